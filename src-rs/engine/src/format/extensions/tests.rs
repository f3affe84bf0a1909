use super::*;

fn entry(code: u16, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append_extension(&mut out, code, value);
    out
}

fn refusal(bytes: &[u8], field: HeaderField) -> (usize, String) {
    match check_entries(bytes, 100, field).unwrap_err() {
        HeaderError::Field {
            offset,
            found,
            field: named,
            ..
        } => {
            assert_eq!(named, field);
            (offset.get() as usize - 100, found)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn entries_that_fill_their_area_are_accepted_and_found() {
    let area = [entry(7, b"seven"), entry(0x4001, b""), entry(1, b"one")].concat();
    for field in [
        HeaderField::CoreExtensions,
        HeaderField::HeaderExtensions,
        HeaderField::EndExtensions,
    ] {
        check_entries(&area, 0, field).unwrap();
        check_entries(&[], 0, field).unwrap();
    }
    assert_eq!(find_extension(&area, 7), Some(&b"seven"[..]));
    assert_eq!(find_extension(&area, 0x4001), Some(&b""[..]));
    assert_eq!(find_extension(&area, 2), None);
    let found: Vec<_> = entries(&area).map(|(code, value)| entry(code, value)).collect();
    assert_eq!(found.concat(), area);
    assert_eq!(
        area.len(),
        extension_size(5) + extension_size(0) + extension_size(3)
    );
}

#[test]
fn an_entry_that_does_not_fill_its_area_is_refused() {
    let area = [entry(7, b"seven"), entry(8, b"eight")].concat();
    for size in 1..area.len() {
        if size == 11 {
            continue;
        }
        let (at, found) = refusal(&area[..size], HeaderField::HeaderExtensions);
        assert_eq!(at, if size < 11 { 0 } else { 11 });
        assert!(
            found.contains("cut short") || found.contains("past the end"),
            "{found}"
        );
    }
    refusal(&[&area[..], &[0]].concat(), HeaderField::HeaderExtensions);
    refusal(&[0, 7, 0xff, 0xff, 0xff, 0xff], HeaderField::CoreExtensions);
}

#[test]
fn a_second_entry_of_a_type_is_refused_in_every_area() {
    for field in [
        HeaderField::CoreExtensions,
        HeaderField::HeaderExtensions,
        HeaderField::EndExtensions,
    ] {
        for between in [vec![], entry(9, b"between")] {
            let area = [entry(0x4007, b"a"), between.clone(), entry(0x4007, b"b")].concat();
            let told = (7 + between.len(), "a second entry of type 0x4007".to_owned());
            assert_eq!(refusal(&area, field), told);
        }
    }
}

#[test]
fn a_critical_type_is_refused_whatever_its_other_bits() {
    for code in [0x8000, 0x8002, 0xC002, 0xffff] {
        let (at, found) = refusal(
            &[entry(5, b""), entry(code, b"x")].concat(),
            HeaderField::EndExtensions,
        );
        assert_eq!((at, found), (6, format!("the unknown critical type {code:#06x}")));
    }
}

#[test]
fn a_sender_is_the_last_entry_of_the_end_record() {
    let area = [entry(9, b"x"), entry(END_SENDER, b"signature")].concat();
    check_entries(&area, 0, HeaderField::EndExtensions).unwrap();
    let area = [entry(END_SENDER, b"signature"), entry(9, b"x")].concat();
    assert_eq!(
        refusal(&area, HeaderField::EndExtensions),
        (0, "a sender before other entries".to_owned())
    );
    check_entries(&area, 0, HeaderField::CoreExtensions).unwrap();
}

#[test]
fn inner_entries_fill_their_entry_once_each_and_are_padded_with_zeros() {
    let inner = [entry(3, b"x"), entry(0, &[0; 9]), entry(77, b"")].concat();
    assert_eq!(inner_entries(&inner).unwrap().len(), 3);
    assert_eq!(inner_entries(&[]).unwrap(), []);
    assert_eq!(inner_entries(&inner[..inner.len() - 1]), None);
    assert_eq!(inner_entries(&[&inner[..], &[0]].concat()), None);
    assert_eq!(inner_entries(&[entry(3, b"x"), entry(3, b"x")].concat()), None);
    assert_eq!(inner_entries(&entry(0, &[0, 0, 1])), None);
}

fn metadata() -> Metadata {
    Metadata {
        modified: Some(Modified {
            seconds: -7,
            nanoseconds: 999_999_999,
        }),
        permissions: Some(0o640),
        name: Some(b"r\xe9sum\xe9.txt".to_vec()),
        is_sparse: true,
    }
}

#[test]
fn metadata_comes_back_and_each_fact_may_be_missing() {
    let all = metadata();
    for without in 0..16 {
        let some = Metadata {
            modified: all.modified.filter(|_| without & 1 == 0),
            permissions: all.permissions.filter(|_| without & 2 == 0),
            name: all.name.clone().filter(|_| without & 4 == 0),
            is_sparse: without & 8 == 0,
        };
        let inner = some.encode();
        assert_eq!(inner.len() % 64, 0);
        assert_eq!(Metadata::parse(&inner), Some(some));
    }
    assert_eq!(Metadata::parse(&[]), Some(Metadata::default()));
}

#[test]
fn names_of_similar_length_give_entries_of_the_same_size() {
    let size = |name: &[u8]| {
        Metadata {
            name: Some(name.to_vec()),
            ..metadata()
        }
        .encode()
        .len()
    };
    assert_eq!(size(b"a"), size(b"a name of 18 chars"));
}

#[test]
fn permission_bits_that_give_rights_of_others_are_dropped_on_both_ends() {
    let bits = Metadata {
        permissions: Some(0o107_755),
        ..Metadata::default()
    };
    assert_eq!(Metadata::parse(&bits.encode()).unwrap().permissions, Some(0o755));
    let inner = entry(2, &0o4755_u32.to_be_bytes());
    assert_eq!(Metadata::parse(&inner).unwrap().permissions, Some(0o755));
}

#[test]
fn unknown_inner_entries_are_skipped_and_critical_ones_are_told() {
    let inner = [
        entry(4, b"owner"),
        entry(0x4009, b"?"),
        entry(2, &[0, 0, 1, 0xa4]),
    ]
    .concat();
    assert_eq!(Metadata::parse(&inner).unwrap().permissions, Some(0o644));
    assert_eq!(Metadata::unknown_critical(&inner), None);
    assert_eq!(
        Metadata::unknown_critical(&[entry(4, b""), entry(0x8007, b"")].concat()),
        Some(0x8007)
    );
}

#[test]
fn values_of_another_layout_do_not_fit() {
    let time = |nanoseconds: u32| [&[0; 8][..], &nanoseconds.to_be_bytes()].concat();
    assert!(Metadata::parse(&entry(1, &time(999_999_999))).is_some());
    for inner in [
        entry(1, &time(1_000_000_000)),
        entry(1, &[0; 11]),
        entry(1, &[0; 13]),
        entry(2, &[0; 3]),
        entry(2, &[0; 5]),
        entry(6, &[0]),
    ] {
        assert_eq!(Metadata::parse(&inner), None, "{inner:?}");
    }
}
