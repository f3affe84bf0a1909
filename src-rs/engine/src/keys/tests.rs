//! The text form of key pairs, with pairs that age generated.

use super::*;

/// From `cmd/age/testdata/x25519.txt` of age's repository.
const X25519: (&str, &str) = (
    "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0",
    "age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef",
);

/// From `cmd/age/testdata/hybrid.txt` of age's repository.
const HYBRID: (&str, &str) = (
    "AGE-SECRET-KEY-PQ-16XDSLZ3XCSZ3236YJ5J0T9NAPLZTP96LJKQCVHJYUDTQVJR5J5PQTDPQCX",
    "age1pq1044e3hfmq2tltgck54m0gnpv8rfrwkdxjgl38psnwg8zfyv4uqdu63kk0u94ztt0q35k9dzuwgv405kxq6due2sre2kfsjftf7k2vz2mdpetku9pufy9d6ny6k5ss0cghpxdxrux0yd5xy40f8fu8ch9xn2rczyek2pqetqk0l9fqj0e3hfhkyfmcf9j6cpe5mf5stt9cymfq3xm276x4sramhn8srr42g78q9rkmqesevy33p4kdhkuggl99x9zx7j05uflx3s8q558xeaq9q9ctxqx52rzg6yffwykxngvxf7g3n83ddawagq2lnk59kcnexm54jrsmkjk9nemlge9v6p7fxu5z6yvq3ghpet8ww2c3h9fylvjx6j9njwz744376ap5r3xcpzh7qlk0kq3gknzfqhmxmjqypf6xz6geffdmy25apzsfr4ce0x825njkf62mgzx0x9n3zt0490u4dnt4468zse4zvd9sv0ycx2u2wsseuy4yymrg0nmfuxcwq9q0jykq7g5f59vunf95vnmcw336ksrh43fgapsd40u4227ymx56xtudtrte39twnq6fdfdj4p9pgx7pcqdk953za76fqcnvatx2cmywurag7ky4y8ecq5lvf25rydhxg6gmcn6vf78vtsqw79hp3mzv2u4v4jzn0nk50kl4gpv7k60cgz79c6k30jzy8dyetqtwg04tguxkv2p4hqj02yvsz2szaqdn9flu24rhth3v0t33023nwy27gt0x32eqpa5tpz6ygz3yzcsa3w889drpynzd5hlywuk9dwgafuax7upfnnxch4znrx4vactasg32u7vl886pxfswskk7wjgqkggrewtnaecfusl3nmg0xxh8e5nl5eft0xqwj5rk9ajn2j6yxehhgg5k6kpw5pk382hxmpu8wcd3rqx6m8905c7f8v0x2z9gyduxtqp2fdy9w2z4g2rrgu4d5cqes5tnwag007h2f326s3j9p6970xyd73rv5awx27zzezrax467c6vuye62ha88pzhw9xytjpezw3vg3l6x4k9rxwm9f6lwj6j7r9makg59rhgt0355s3jx9vw3raz5qdk5cnpny56q5h3dyd75suskuz63wmmfp9333tx4ry38vnh7jxy0j0cka99y7v2dmyjldjy0mqjetcefsmmg3pw0h9ll0rtskpmxz2cs8vmx6lu4v5rjtzpzgaqt46cwvnmhy5e3ye0tv6sre342lwg0tfd0yjkfz2haqc3hprpqf5ce8c9lx076dnk5cukn3tu38jgprrxt9sk9nqzt8grvkc4qzlg8jjf638v07ej9cf4eu48kphrgyjy83qm822xq8v9k22zwa7txr439x74j2f9ay7frkwtfdwn02enyx8stjpr4wgg25n5tj7uxyx0dqt3hnrqf7dcgt9fqnkjgemjfzyck6pawewptcayxm49sq3477f4cvm2p8fmg27rcmwm5l2vmzvdmymvkrr3aywu04y3zlhs7awu3r9u9lseheqpffvm2xf8y6w2qaj9g22pcu0sdsnqseusrxq9awru5lyqxnzftlslgpe3njegxkze98rveswp3u0xgx69wkg38vgp4k55lwwgv5l7ccv503mh9q23nud4xtm499xq276u40rxyrzaqfyuz2f3v5qr2vq00xs4g3ruynmq0c6nprvjcwqc5zrdn4cnzeeuwumjvqfjdpxr739n4cqcwytc8pjmfcj2qs3l2a8p5fzq7nvtng2jvvklx0x5ypnlkeuegsm587f6d4dkwel2es0lwwt88y2jdg8enjyph02tnjyndlx34h52fngjk96ggtu6vcxqkreqcxs4gwa8ww40t0kzlxfzyfhtjmfdm5fcrr5pt2xm4yslfynr0h9wkranhyadxf33kjn9xpg2fq5hnlq0",
);

#[test]
fn pairs_of_age_are_read_and_written_unchanged() {
    let secret = X25519Identity::from_text(X25519.0).unwrap();
    assert_eq!(secret.to_text().as_str(), X25519.0);
    assert_eq!(secret.recipient().to_string(), X25519.1);
    assert_eq!(X25519Recipient::from_text(X25519.1).unwrap(), secret.recipient());
    let secret = HybridIdentity::from_text(HYBRID.0).unwrap();
    assert_eq!(secret.to_text().as_str(), HYBRID.0);
    assert_eq!(secret.recipient().to_string(), HYBRID.1);
    assert_eq!(HybridRecipient::from_text(HYBRID.1).unwrap(), secret.recipient());
}

#[test]
fn the_text_gives_the_kind_of_key() {
    assert!(matches!(recipient_from_text(X25519.1), Ok(Recipient::X25519(_))));
    assert!(matches!(recipient_from_text(HYBRID.1), Ok(Recipient::Hybrid(_))));
    assert!(matches!(identity_from_text(X25519.0), Ok(Identity::X25519(_))));
    assert!(matches!(identity_from_text(HYBRID.0), Ok(Identity::Hybrid(_))));
}

#[test]
fn a_text_that_is_not_a_key_is_refused() {
    let cut = |text: &str| text[..text.len() - 1].to_owned();
    for text in [
        String::new(),
        "age1".into(),
        cut(X25519.1),
        cut(HYBRID.1),
        X25519.1.to_uppercase(),
        format!("{} ", X25519.1),
        X25519.0.into(),
        // Another tool's key of the same kind.
        X25519.1.replacen("age", "agf", 1),
    ] {
        let refused = recipient_from_text(&text);
        assert!(matches!(refused, Err(KeyPairTextError::NotAKey { .. })), "{text}");
    }
    for text in [
        String::new(),
        cut(X25519.0),
        cut(HYBRID.0),
        X25519.0.to_lowercase(),
        X25519.1.into(),
        X25519.0.replacen("KEY-1", "KEY-PQ-1", 1),
    ] {
        let refused = identity_from_text(&text);
        assert!(matches!(refused, Err(KeyPairTextError::NotAKey { .. })), "{text}");
    }
}

#[test]
fn a_public_key_without_a_shared_secret_is_refused() {
    assert_eq!(
        X25519Recipient::from_bytes(&[0; 32]).unwrap_err(),
        KeyPairTextError::Unusable
    );
    let zero = super::bech32::encode("age", &[0; 32]).unwrap();
    assert_eq!(
        X25519Recipient::from_text(&zero).unwrap_err(),
        KeyPairTextError::Unusable
    );
    assert_eq!(
        HybridRecipient::from_bytes(&[0; 1216]).unwrap_err(),
        KeyPairTextError::Unusable
    );
}

#[test]
fn secrets_are_not_printed() {
    let pair = X25519Identity::from_text(X25519.0).unwrap();
    let identities = [
        Identity::Passphrase(Passphrase::new("swordfish").unwrap()),
        Identity::X25519(pair),
        Identity::Hybrid(HybridIdentity::from_text(HYBRID.0).unwrap()),
        Identity::Provider(ProviderKey {
            name: "vault".into(),
            key_id: "k".into(),
            blob: vec![1],
            kek: crate::crypto::SecretKey::from_bytes(&[0xab; 32]).unwrap(),
        }),
    ];
    let printed = format!("{identities:?}");
    for secret in ["swordfish", "171", "ab, ab", "EGTZ", "egtz"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn two_generated_pairs_differ() {
    let one = X25519Identity::generate().unwrap().recipient();
    assert_ne!(one, X25519Identity::generate().unwrap().recipient());
    assert_eq!(X25519Recipient::from_text(&one.to_string()).unwrap(), one);
}
