//! Keys, signatures and agents of OpenSSH. Its programs are part of the systems that tests run on.

use super::*;
use crate::keys::{KeyFileError, KeyFileReason};
use base64ct::{Base64, Encoding};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn run(program: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} of OpenSSH is needed: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn keygen(arguments: &[&str]) {
    let output = run("ssh-keygen", arguments, b"");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn generated(dir: &Path, name: &str, passphrase: &str) -> (PathBuf, SenderKey) {
    let path = dir.join(name);
    let shown = path.to_str().unwrap();
    keygen(&[
        "-q", "-t", "ed25519", "-N", passphrase, "-C", "me@here", "-f", shown,
    ]);
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (path, public.parse().unwrap())
}

/// A message of which OpenSSH and this crate hash the same bytes.
const CONTENT: &[u8] = b"sealstream v1 sender, any bytes";

/// The signed bytes of [`CONTENT`], built as PROTOCOL.sshsig says, independently of the engine's own way.
fn signed_content() -> SignedBytes {
    let binding = StreamBinding::new(&[1; 64], &[], &[2; 32]);
    SenderMessage::new(&binding, 1, 5, CONTENT).finish()
}

/// The message whose hash [`signed_content`] signs.
fn content_message() -> Vec<u8> {
    let binding = StreamBinding::new(&[1; 64], &[], &[2; 32]);
    let mut message = b"sealstream v1 sender".to_vec();
    message.extend_from_slice(binding.as_bytes());
    message.extend_from_slice(&1_u64.to_be_bytes());
    message.extend_from_slice(&5_u64.to_be_bytes());
    message.extend_from_slice(&(CONTENT.len() as u32).to_be_bytes());
    message.extend_from_slice(CONTENT);
    message
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

#[test]
fn ssh_keygen_verifies_our_signature() {
    let dir = tempfile::tempdir().unwrap();
    let secret = secret(7);
    let value = signature(&secret, &signed_content()).encode();
    let raw = &value[33..97];
    let blob = secret.public().to_string();
    let blob = Base64::decode_vec(blob.split_once(' ').unwrap().1).unwrap();
    let signature = [string(b"ssh-ed25519"), string(raw)].concat();
    let sshsig = [
        b"SSHSIG\0\0\0\x01".to_vec(),
        string(&blob),
        string(SENDER_NAMESPACE.as_bytes()),
        string(b""),
        string(b"sha512"),
        string(&signature),
    ]
    .concat();
    let armored = format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        Base64::encode_string(&sshsig)
    );
    let (signers, file) = (dir.path().join("signers"), dir.path().join("sig"));
    std::fs::write(
        &signers,
        format!("me namespaces=\"sealstream\" {}\n", secret.public()),
    )
    .unwrap();
    std::fs::write(&file, armored).unwrap();
    let (signers, file) = (signers.to_str().unwrap(), file.to_str().unwrap());
    let verify = |message: &[u8]| {
        let arguments = [
            "-Y",
            "verify",
            "-n",
            "sealstream",
            "-f",
            signers,
            "-I",
            "me",
            "-s",
            file,
        ];
        run("ssh-keygen", &arguments, message).status.success()
    };
    assert!(verify(&content_message()));
    assert!(!verify(b"another message"));
}

#[test]
fn we_verify_the_signature_of_ssh_keygen() {
    let dir = tempfile::tempdir().unwrap();
    let (path, public) = generated(dir.path(), "id", "");
    let arguments = ["-Y", "sign", "-n", "sealstream", "-f", path.to_str().unwrap()];
    let output = run("ssh-keygen", &arguments, &content_message());
    assert!(output.status.success());
    let armored = String::from_utf8(output.stdout).unwrap();
    let base64: String = armored.lines().filter(|line| !line.starts_with('-')).collect();
    let sshsig = Base64::decode_vec(&base64).unwrap();
    let raw: [u8; 64] = *sshsig.last_chunk().unwrap();
    let value = [&[1][..], public.point(), &raw].concat();
    let SenderEntry::Signature(signature) = SenderEntry::parse(&value) else {
        panic!("no signature");
    };
    assert!(signature.verifies(&signed_content()));
    assert!(!signature.verifies(&message(b"")));
}

#[test]
fn private_keys_are_read_with_and_without_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |path: &Path, passphrase: Option<&[u8]>| match read_sender_key_file(path, passphrase, false)
    {
        Err(KeyFileError::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let (path, public) = generated(dir.path(), "plain", "");
    let secret = read_sender_key_file(&path, None, false).unwrap();
    assert_eq!(*secret.public(), public);
    assert!(signature(&secret, &message(b"")).verifies(&message(b"")));

    let (path, public) = generated(dir.path(), "protected", "correct horse");
    let secret = read_sender_key_file(&path, Some(b"correct horse"), false).unwrap();
    assert_eq!(*secret.public(), public);
    assert_eq!(refusal(&path, None), KeyFileReason::PassphraseNeeded);
    assert_eq!(refusal(&path, Some(b"wrong")), KeyFileReason::WrongPassphrase);

    let rsa = dir.path().join("ecdsa");
    keygen(&["-q", "-t", "ecdsa", "-N", "", "-f", rsa.to_str().unwrap()]);
    assert!(matches!(
        refusal(&rsa, None),
        KeyFileReason::UnsupportedKey | KeyFileReason::NoSenderKey
    ));
    assert_eq!(
        refusal(&path.with_extension("pub"), None),
        KeyFileReason::NoSenderKey
    );
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(
        refusal(&path, Some(b"correct horse")),
        KeyFileReason::ReadableByOthers
    );
}

#[test]
fn ssh_keygen_reads_the_key_that_we_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("id");
    let public = write_sender_key_file(&path, "me@here").unwrap();
    let output = run("ssh-keygen", &["-y", "-f", path.to_str().unwrap()], b"");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown.trim(), format!("{public} me@here"));
    assert_eq!(
        *read_sender_key_file(&path, None, false).unwrap().public(),
        public
    );
    assert!(matches!(
        write_sender_key_file(&path, ""),
        Err(KeyFileError::Exists)
    ));
}

/// An ssh-agent that ends with the test.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(dir: &Path) -> Self {
        let socket = dir.join("agent.sock");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a", socket.to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { child, socket };
        for _ in 0..500 {
            if std::os::unix::net::UnixStream::connect(&agent.socket).is_ok() {
                return agent;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("ssh-agent does not answer");
    }

    fn add(&self, path: &Path) {
        let output = Command::new("ssh-add")
            .arg(path)
            .env("SSH_AUTH_SOCK", &self.socket)
            .output()
            .unwrap();
        assert!(output.status.success());
    }

    fn signer(&self, key: AgentKey) -> AgentSigner {
        AgentSigner {
            socket: Some(self.socket.clone()),
            ..AgentSigner::new(key)
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, SignerError>) -> SignerReason {
    match result {
        Err(SignerError::Failed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_real_agent_signs() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Agent::start(dir.path());
    let only = agent.signer(AgentKey::Only);
    assert_eq!(reason(only.public_key(&|| false)), SignerReason::KeyNotInAgent);
    let (first, public) = generated(dir.path(), "first", "");
    agent.add(&first);
    let key = only.public_key(&|| false).unwrap();
    assert_eq!(key, public);
    let signed = message(b"entries");
    assert!(only.sign(&key, &signed, &|| false).unwrap().verifies(&signed));

    let (second, other) = generated(dir.path(), "second", "");
    let named = agent.signer(AgentKey::Public(other.clone()));
    assert_eq!(reason(named.public_key(&|| false)), SignerReason::KeyNotInAgent);
    assert_eq!(
        reason(named.sign(&other, &signed, &|| false)),
        SignerReason::Refused
    );
    agent.add(&second);
    assert_eq!(
        reason(only.public_key(&|| false)),
        SignerReason::SeveralKeysInAgent
    );
    assert_eq!(named.public_key(&|| false).unwrap(), other);
    assert!(named.sign(&other, &signed, &|| false).unwrap().verifies(&signed));
}

/// A signer whose agent gives this answer to everything, or none.
fn answering(dir: &Path, answer: Option<Vec<u8>>) -> AgentSigner {
    use std::io::Read;
    let socket = dir.join("fake.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        if let Some(answer) = answer {
            let _ = stream.write_all(&answer);
        } else {
            // Until the client gives up.
            let _ = stream.read(&mut [0; 1]);
        }
    });
    AgentSigner {
        socket: Some(socket),
        key: AgentKey::Only,
        timeout: Duration::from_millis(150),
    }
}

#[test]
fn a_hostile_agent_is_an_error() {
    let long = [&u32::MAX.to_be_bytes()[..], &[12; 64]].concat();
    let many = string(&[&[12][..], &u32::MAX.to_be_bytes()].concat());
    let cut = string(&[12, 0, 0, 0, 1, 0, 0, 1, 0]);
    for answer in [
        vec![],
        vec![0; 4],
        long,
        many,
        cut,
        string(&[5]),
        string(&[14, 0]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let signer = answering(dir.path(), Some(answer.clone()));
        assert_eq!(
            reason(signer.public_key(&|| false)),
            SignerReason::AgentFailed,
            "{answer:?}"
        );
    }
    for answer in [
        string(&[14]),
        string(&[14, 0, 0, 0, 9]),
        string(&[12, 0, 0, 0, 0]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let signer = answering(dir.path(), Some(answer.clone()));
        let signed = signer.sign(secret(7).public(), &message(b""), &|| false);
        assert_eq!(reason(signed), SignerReason::AgentFailed, "{answer:?}");
    }
}

#[test]
fn an_agent_that_does_not_answer_ends_with_the_time_or_with_a_cancellation() {
    let dir = tempfile::tempdir().unwrap();
    let signer = answering(dir.path(), None);
    let signed = signer.sign(secret(7).public(), &message(b""), &|| false);
    assert_eq!(reason(signed), SignerReason::TimedOut);
    let dir = tempfile::tempdir().unwrap();
    let signer = AgentSigner {
        timeout: Duration::from_secs(3600),
        ..answering(dir.path(), None)
    };
    let asked = std::cell::Cell::new(0);
    let signed = signer.sign(secret(7).public(), &message(b""), &|| {
        asked.set(asked.get() + 1);
        asked.get() > 2
    });
    assert_eq!(signed, Err(SignerError::Cancelled));
    let missing = AgentSigner {
        socket: Some(dir.path().join("nothing")),
        ..AgentSigner::new(AgentKey::Only)
    };
    assert_eq!(reason(missing.public_key(&|| false)), SignerReason::AgentFailed);
}
