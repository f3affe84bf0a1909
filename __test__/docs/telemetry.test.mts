// The guide's code, as it stands there.

import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import test from 'ava';
import { decrypt, encrypt } from 'sealstream';

import { errorOf } from '../api/support/errors.mjs';
import { key, plaintext, SEGMENTS, SIZES, withDamage } from '../api/support/small-segments.mjs';
import { guideModule } from './support/guide.mjs';

test.serial("the guide's module makes metrics of what happens", async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  t.teardown(() => provider.shutdown());
  metrics.setGlobalMeterProvider(provider);
  await import(guideModule(t, 'telemetry'));

  const stream = await encrypt(plaintext, { key, ...SIZES });
  await decrypt(stream, { key });
  await errorOf(() => decrypt(withDamage(2), { key }));

  await reader.forceFlush();
  const points = new Map<string, unknown>();
  for (const metric of exporter.getMetrics().at(-1)?.scopeMetrics[0]?.metrics ?? []) {
    for (const { attributes, value } of metric.dataPoints) {
      const name = [metric.descriptor.name, ...Object.values(attributes)].join(' ');
      points.set(name, typeof value === 'number' ? value : value.count);
    }
  }
  t.is(points.get('sealstream.operations encrypt done'), 1);
  t.is(points.get('sealstream.operations decrypt done'), 1);
  t.is(points.get('sealstream.operations decrypt ERR_SEAL_DIGEST_MISMATCH'), 1);
  t.is(points.get('sealstream.operations.active decrypt'), 0);
  t.is(points.get('sealstream.operation.duration decrypt'), 2);
  t.is(points.get('sealstream.segments encrypt'), SEGMENTS);
  t.is(points.get('sealstream.plaintext encrypt'), plaintext.length);
  t.true((points.get('sealstream.stage.time encrypt crypto') as number) > 0);
  t.is(points.get('sealstream.damage decrypt DigestMismatch abort'), 1);
});
