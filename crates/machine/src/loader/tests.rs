use super::*;
use proptest::prelude::*;
use ram::{CHUNK, Ram};

const CODE: &[u8] = &[0x13, 0, 0, 0, 0x6f, 0, 0, 0];
const NAMES: &[u8] = b"\0tohost\0begin_signature\0undefined_one\0fromhost\0";

fn put(into: &mut Vec<u8>, words: &[(u64, usize)]) {
    for &(word, len) in words {
        into.extend_from_slice(&word.to_le_bytes()[..len]);
    }
}

fn symbol(name: u64, section: u64, value: u64) -> [(u64, usize); 6] {
    [(name, 4), (0x11, 1), (0, 1), (section, 2), (value, 8), (0, 8)]
}

/// A program of eight bytes at `address`, occupying `size` bytes of memory, with three symbols.
fn elf_at(address: u64, size: u64) -> Vec<u8> {
    let (code_at, symbols_at) = (120, 128);
    let names_at = symbols_at + 4 * 24;
    let sections_at = names_at + NAMES.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    put(&mut file, &[(2, 2), (243, 2), (1, 4), (address, 8), (64, 8), (sections_at, 8), (0, 4)]);
    put(&mut file, &[(64, 2), (56, 2), (1, 2), (64, 2), (3, 2), (2, 2)]);
    put(&mut file, &[(1, 4), (5, 4), (code_at, 8), (address, 8), (address, 8)]);
    put(&mut file, &[(CODE.len() as u64, 8), (size, 8), (4096, 8)]);
    file.extend_from_slice(CODE);
    put(&mut file, &symbol(0, 0, 0));
    put(&mut file, &symbol(1, 1, address + 0x40));
    put(&mut file, &symbol(8, 1, address + 0x80));
    put(&mut file, &symbol(38, 0, 0x999));
    file.extend_from_slice(NAMES);
    file.extend_from_slice(&[0; 64]);
    let section = |kind, at, len, link, entry| {
        [
            (0, 4),
            (kind, 4),
            (0, 8),
            (0, 8),
            (at, 8),
            (len, 8),
            (link, 4),
            (1, 4),
            (8, 8),
            (entry, 8),
        ]
    };
    put(&mut file, &section(2, symbols_at, 4 * 24, 2, 24));
    put(&mut file, &section(3, names_at, NAMES.len() as u64, 0, 0));
    file
}

fn text(error: LoadError) -> String {
    error.to_string()
}

#[test]
fn a_program_is_loaded_where_it_says_and_the_rest_is_zeroed() {
    let file = elf_at(RAM_BASE + 0x1000, 0x100);
    let elf = Elf::parse(&file).unwrap();
    let mut ram = Ram::new(CHUNK);
    ram.write(RAM_BASE + 0x1000, &[0xff; 0x200]).unwrap();
    elf.load(&mut ram).unwrap();
    let mut bytes = [0; 0x200];
    ram.read(RAM_BASE + 0x1000, &mut bytes).unwrap();
    assert_eq!(&bytes[..8], CODE);
    assert!(bytes[8..0x100].iter().all(|&byte| byte == 0) && bytes[0x100] == 0xff);
    assert_eq!(elf.entry(), RAM_BASE + 0x1000);
    assert_eq!(elf.ranges().next(), Some(RAM_BASE + 0x1000..RAM_BASE + 0x1100));
}

#[test]
fn known_symbols_are_found_and_undefined_ones_are_not() {
    let file = elf_at(RAM_BASE, 0x100);
    let expected = Symbols {
        tohost: Some(RAM_BASE + 0x40),
        begin_signature: Some(RAM_BASE + 0x80),
        fromhost: None,
        end_signature: None,
    };
    assert_eq!(Elf::parse(&file).unwrap().symbols(), &expected);
}

#[test]
fn a_file_of_another_kind_is_called_what_it_is() {
    let with = |at: usize, byte: u8| {
        let mut file = elf_at(RAM_BASE, 8);
        file[at] = byte;
        text(Elf::parse(&file).unwrap_err())
    };
    assert!(matches!(Elf::parse(b"#!/bin/sh"), Err(LoadError::NotElf)));
    assert!(matches!(Elf::parse(b""), Err(LoadError::NotElf)));
    assert!(with(4, 1).contains("not a 64-bit file"));
    assert!(with(5, 2).contains("not a little-endian file"));
    assert!(with(18, 62).contains("machine number 62"));
    assert!(with(16, 3).contains("of type 3"));
}

#[test]
fn a_segment_outside_ram_is_refused_before_anything_is_written() {
    for (start, size) in [(0x1000, 8), (RAM_BASE + CHUNK - 4, 8), (RAM_BASE, CHUNK + 1)] {
        let file = elf_at(start, size);
        let mut ram = Ram::new(CHUNK);
        let error = Elf::parse(&file).unwrap().load(&mut ram).unwrap_err();
        assert!(matches!(error, LoadError::SegmentOutsideRam { .. }), "{error}");
        assert!(!ram.is_present(0));
    }
}

#[test]
fn a_segment_of_headers_outside_ram_is_left_out() {
    // The one segment becomes two: read-only headers at 0x10000, then the code.
    let mut file = elf_at(RAM_BASE, 8);
    let code = file[64..120].to_vec();
    let at = file.len();
    file.extend_from_slice(&code);
    file.extend_from_slice(&code);
    file[32..40].copy_from_slice(&(at as u64).to_le_bytes());
    file[56] = 2;
    file[at + 4] = 4;
    file[at + 8..at + 16].fill(0);
    file[at + 24..at + 32].copy_from_slice(&0x1_0000_u64.to_le_bytes());
    let mut ram = Ram::new(CHUNK);
    Elf::parse(&file).unwrap().load(&mut ram).unwrap();
    assert_eq!(ram.read_u64(RAM_BASE).unwrap().to_le_bytes(), CODE);
    file[at + 4] = 5;
    let refused = Elf::parse(&file).unwrap().load(&mut ram);
    assert!(matches!(refused, Err(LoadError::SegmentOutsideRam { start: 0x1_0000, .. })));
}

#[test]
fn an_entry_point_outside_the_program_is_refused() {
    let mut file = elf_at(RAM_BASE, 8);
    file[24..32].copy_from_slice(&(RAM_BASE + 8).to_le_bytes());
    assert!(matches!(Elf::parse(&file), Err(LoadError::EntryOutside { .. })));
}

#[test]
fn a_program_without_segments_is_refused() {
    let mut file = elf_at(RAM_BASE, 8);
    file[64] = 6;
    assert!(matches!(Elf::parse(&file), Err(LoadError::NothingToLoad)));
}

#[test]
fn every_truncation_of_an_elf_file_is_refused() {
    let file = elf_at(RAM_BASE, 0x100);
    for len in 0..file.len() {
        assert!(Elf::parse(&file[..len]).is_err(), "{len} of {} bytes", file.len());
    }
}

proptest! {
    #[test]
    fn damaged_elf_files_do_not_panic(changes: Vec<(prop::sample::Index, u8)>) {
        let mut file = elf_at(RAM_BASE, 0x100);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(elf) = Elf::parse(&file) {
            let _outcome = elf.load(&mut Ram::new(CHUNK));
        }
    }

    #[test]
    fn damaged_kernel_images_do_not_panic(mut file: Vec<u8>, initrd: Option<u32>) {
        file.resize(file.len().max(64), 0);
        file[56..60].copy_from_slice(b"RSC\x05");
        if let Ok(kernel) = KernelImage::parse(&file) {
            let _outcome = kernel.place(initrd.map(u64::from), 3 << 30);
        }
    }
}

/// An image of 200 bytes in the file and 6 MiB in memory.
fn image() -> Vec<u8> {
    let mut file = b"MZ\0\0\0\0\0\0".to_vec();
    put(&mut file, &[(2 << 20, 8), (6 << 20, 8), (0, 8), (2, 4), (0, 4), (0, 8)]);
    file.extend_from_slice(b"RISCV\0\0\0RSC\x05\0\0\0\0");
    file.resize(200, 0xaa);
    file
}

#[test]
fn kernel_ram_disk_and_device_tree_do_not_meet() {
    let file = image();
    let kernel = KernelImage::parse(&file).unwrap();
    let ram_size = 32 << 20;
    let placement = kernel.place(Some(5000), ram_size).unwrap();
    let initrd = placement.initrd.clone().unwrap();
    assert_eq!(placement.kernel, RAM_BASE + (2 << 20)..RAM_BASE + (8 << 20));
    assert_eq!((initrd.start % 4096, initrd.end - initrd.start), (0, 5000));
    assert!(placement.kernel.end <= initrd.start && initrd.end <= placement.device_tree);
    assert_eq!(placement.device_tree, RAM_BASE + (30 << 20));

    let mut ram = Ram::new(ram_size);
    placement.load(&mut ram, &kernel, Some(&[7; 5000]), b"tree").unwrap();
    let mut bytes = [0; 4];
    ram.read(placement.kernel.start + 196, &mut bytes).unwrap();
    assert_eq!(bytes, [0xaa; 4]);
    ram.read(initrd.end - 4, &mut bytes).unwrap();
    assert_eq!(bytes, [7; 4]);
    ram.read(placement.device_tree, &mut bytes).unwrap();
    assert_eq!(&bytes, b"tree");
}

#[test]
fn a_machine_without_room_says_how_much_is_needed() {
    let file = image();
    let kernel = KernelImage::parse(&file).unwrap();
    assert!(kernel.place(None, 12 << 20).is_ok());
    let error = kernel.place(Some(1), 12 << 20).unwrap_err();
    assert!(text(error).contains("0xc01000 bytes are needed"));
    assert!(matches!(
        kernel.place(Some(u64::MAX / 2), 3 << 30),
        Err(LoadError::RamTooSmall { .. })
    ));
}

#[test]
fn what_is_not_a_kernel_image_is_named() {
    let named = |first: &[u8]| {
        let mut file = vec![0; 100];
        file[..first.len()].copy_from_slice(first);
        text(KernelImage::parse(&file).unwrap_err())
    };
    assert!(named(&[0x1f, 0x8b]).contains("gzip"));
    assert!(named(b"\x7fELF").contains("ELF"));
    assert!(named(b"MZ").contains("EFI program"));
    assert!(named(b"").contains("magic"));
    assert!(text(KernelImage::parse(b"short").unwrap_err()).contains("shorter"));
    let mut big_endian = image();
    big_endian[24] = 1;
    assert!(text(KernelImage::parse(&big_endian).unwrap_err()).contains("big-endian"));
}

#[test]
fn an_oversized_device_tree_is_refused() {
    let file = image();
    let kernel = KernelImage::parse(&file).unwrap();
    let placement = kernel.place(None, 32 << 20).unwrap();
    let tree = vec![0; (2 << 20) + 1];
    let refused = placement.load(&mut Ram::new(32 << 20), &kernel, None, &tree);
    assert!(matches!(refused, Err(LoadError::DeviceTreeTooLarge(_))));
}
