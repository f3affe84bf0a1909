export * from './aws-kms.js';
