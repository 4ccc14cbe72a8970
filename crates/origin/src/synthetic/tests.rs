use super::*;

fn digest(chunks: Chunks) -> (u64, Vec<u8>) {
    let mut hash = Sha256::new();
    let mut length = 0;
    for chunk in chunks {
        assert!(chunk.len() <= 64 * 1024);
        length += chunk.len() as u64;
        hash.update(&chunk);
    }
    (length, hash.finalize().to_vec())
}

#[test]
fn a_seed_names_a_study() {
    let (one, same, other) = (Study::new(1, 3), Study::new(1, 9), Study::new(2, 3));
    assert_eq!(digest(one.instance(2).file()), digest(same.instance(2).file()));
    assert_ne!(digest(one.instance(2).data_set()), digest(one.instance(1).data_set()));
    assert_ne!(one.study_instance_uid(), other.study_instance_uid());
    assert_eq!(one.instances().count(), 3);
}

#[test]
fn a_slice_has_about_526_kilobytes() {
    let instance = Study::new(7, 1).instance(0);
    let (length, _) = digest(instance.data_set());
    assert_eq!(length, instance.data_set_length());
    assert!((525_000..527_000).contains(&length), "{length}");
    assert_eq!(length % 2, 0);
}

#[test]
fn a_size_is_met_to_the_row() {
    let cases = [(0, 1024), (1, 1024), (5000, 5120), (1 << 20, 1 << 20), ((1 << 20) + 1, 2 << 20)];
    for (asked, given) in cases {
        let instance = Instance::of_size(3, asked);
        assert_eq!(instance.pixel_data_length(), given, "{asked}");
        assert_eq!(digest(instance.data_set()).0, instance.data_set_length(), "{asked}");
    }
    assert_eq!(Instance::of_size(3, u64::MAX).pixel_data_length(), 4095 << 20);
}

#[test]
fn the_file_begins_with_its_own_file_meta() {
    let instance = Study::new(7, 1).instance(0);
    let head = instance.file().next().unwrap();
    let (meta, length) = part10::read(&head).unwrap();
    assert_eq!(meta, instance.file_meta());
    assert_eq!(length, head.len());
    let folder = tempfile::tempdir().unwrap();
    let paths = Study::new(7, 2).write_folder(folder.path()).unwrap();
    assert_eq!(paths.len(), 2);
    assert_eq!(std::fs::metadata(&paths[0]).unwrap().len(), length as u64 + instance.data_set_length());
}
