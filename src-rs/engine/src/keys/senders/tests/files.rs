//! Texts and files of senders' public keys.

use super::*;
use crate::keys::{KeyFileError, KeyFileReason as R};

fn read(content: &str) -> Result<Vec<SenderKey>, (R, Option<u64>)> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("senders");
    std::fs::write(&path, content).unwrap();
    read_senders_file(&path).map_err(|error| match error {
        KeyFileError::Refused { reason, line } => (reason, line),
        other => panic!("{other:?}"),
    })
}

fn keys() -> [SenderKey; 2] {
    let ordinary = secret(7).public().clone();
    let security = SenderKey::security_key(*secret(8).public().point(), b"ssh:work".to_vec());
    [ordinary, security]
}

const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQC7";

#[test]
fn texts_are_read_and_written_as_openssh_does() {
    for key in keys() {
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key.clone()));
        assert_eq!(format!("  {text} a comment\n").parse(), Ok(key.clone()));
        let (name, base64) = text.split_once(' ').unwrap();
        for wrong in [
            String::new(),
            name.to_owned(),
            base64.to_owned(),
            format!("ssh-rsa {base64}"),
            format!("{name} {base64}AAAA"),
            format!("{name} {}", &base64[1..]),
            format!("{text}\n{text}"),
        ] {
            assert_eq!(wrong.parse::<SenderKey>(), Err(SenderTextError), "{wrong}");
        }
        let announced = key.announcement();
        assert_eq!(SenderKey::announced(&announced), Some(key));
    }
    let [ordinary, security] = keys();
    let [ordinary, security] = [ordinary.to_string(), security.to_string()];
    let base64 = security.split_once(' ').unwrap().1;
    let swapped = format!("{} {base64}", ordinary.split_once(' ').unwrap().0);
    assert_eq!(swapped.parse::<SenderKey>(), Err(SenderTextError));
    assert_eq!(SenderKey::announced(&[1; 32]), None);
    assert_eq!(SenderKey::announced(&[1; 34]), None);
    assert_eq!(SenderKey::announced(&[3; 33]), None);
}

#[test]
fn files_of_openssh_are_read() {
    let [ordinary, security] = keys();
    for content in [
        format!("# ours\n\n{ordinary} me@here\r\n{security}\n"),
        format!("restrict,command=\"echo \\\"ssh-rsa\\\" a\" {ordinary}\n{security} c\n{RSA}\n"),
        format!("me@here,*@there {ordinary}\n\"a b\" namespaces=\"git,seal*\" {security} c\n"),
        format!("me namespaces=\"*\" {ordinary}\nme namespaces=\"seal?tream\" {security}"),
        format!("me {ordinary}\nme namespaces=\"git\" {ordinary}\nme {security}"),
    ] {
        assert_eq!(read(&content), Ok(keys().to_vec()), "{content}");
    }
}

#[test]
fn a_key_of_another_namespace_does_not_count() {
    let [ordinary, _] = keys();
    for namespaces in [
        "git",
        "",
        "seal",
        "sealstream2",
        "*,!sealstream",
        "!seal*,sealstream",
        "Sealstream",
    ] {
        let line = format!("me namespaces=\"{namespaces}\" {ordinary}");
        assert_eq!(read(&line), Err((R::NoSender, None)), "{line}");
    }
}

#[test]
fn what_needs_more_than_the_key_is_refused_with_its_line() {
    let [ordinary, _] = keys();
    for (options, reason) in [
        ("me cert-authority", R::CertAuthority),
        ("cert-authority", R::CertAuthority),
        ("me namespaces=\"git\",cert-authority", R::CertAuthority),
        ("me CERT-AUTHORITY", R::CertAuthority),
        ("me valid-after=\"20240101\"", R::ValidityLimit),
        (
            "me namespaces=\"git\",valid-before=\"20240101Z\"",
            R::ValidityLimit,
        ),
        ("expiry-time=\"20240101\"", R::ValidityLimit),
    ] {
        let content = format!("{ordinary}\n{options} {ordinary}\n");
        assert_eq!(read(&content), Err((reason, Some(2))), "{content}");
    }
    let certificate = "ssh-ed25519-cert-v01@openssh.com AAAA";
    assert_eq!(read(certificate), Err((R::CertAuthority, Some(1))));
}

#[test]
fn a_file_without_a_sender_is_refused() {
    for (content, reason) in [
        (String::new(), (R::NoSender, None)),
        ("# nothing\n".into(), (R::NoSender, None)),
        (RSA.into(), (R::NoSender, None)),
        ("hello".into(), (R::NoSender, Some(1))),
        ("me ssh-ed25519".into(), (R::NoSender, Some(1))),
        ("me ssh-ed25519 AAAA".into(), (R::NoSender, Some(1))),
        (
            format!("me namespaces=\"sealstream {}", keys()[0]),
            (R::NoSender, Some(1)),
        ),
        ("AGE-SECRET-KEY-1ABC".into(), (R::HoldsKeyPair, Some(1))),
        (format!("age1{}", "q".repeat(58)), (R::HoldsPublicKey, Some(1))),
    ] {
        assert_eq!(read(&content), Err(reason), "{content}");
    }
}
