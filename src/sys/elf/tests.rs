//! What the tables say, compared with dlsym(3).

use super::*;

#[test]
fn other_objects_are_all_behind_the_program() {
    let mut places = Vec::new();
    const STRLEN: Symbol = Symbol::new("strlen\0");
    assert!(each(Side::Before, |side, object| places.push((side, object.find(STRLEN.name, STRLEN.hash)))));
    assert!(places.iter().all(|(side, _)| *side == Side::Behind));
    assert!(places.iter().any(|(_, found)| *found != Found::No));
    assert_eq!(own_path(), c"");
}

/// Compares with dlsym for functions and variables of all kinds, and for names that nothing defines.
#[test]
fn what_is_found_is_what_dlsym_finds() {
    let names = "socket\0 bind\0 accept4\0 connect\0 __connect\0 recvmmsg\0 poll\0 __poll_chk\0 fcntl\0 fcntl64\0 \
        __read_chk\0 epoll_pwait2\0 posix_spawn\0 fexecve\0 _exit\0 vfork\0 fclose\0 syscall\0 sendfile64\0 \
        pthread_cond_wait\0 environ\0 memcpy\0 strlen\0 time\0 gettimeofday\0 regexec\0 realpath\0 \
        nobody_has_this\0 sockshim\0";
    let mut asked = 0;
    for name in names.split(' ') {
        let mut first = Found::No;
        let complete = each_next(|object| {
            if first == Found::No {
                first = object.find(name, hash(name.trim_end_matches('\0')));
            }
        });
        assert!(complete);
        // SAFETY: the name ends with NUL.
        let expected = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast()) };
        match first {
            Found::No => assert!(expected.is_null(), "{name}"),
            Found::At(address) => assert_eq!(address.cast(), expected, "{name}"),
            Found::Ask => asked += 1,
        }
    }
    assert!((1..6).contains(&asked), "{asked} of the names are chosen by a function");
}

/// Objects of today have GNU's table, so this makes one that has only the table before it.
#[test]
fn the_older_table_is_read_too() {
    let path = std::env::temp_dir().join(format!("sockshim-elf-{}.so", std::process::id()));
    let made = std::process::Command::new("sh")
        .args([
            "-c",
            "echo 'int answer(void) { return 42; } static int hidden; int *here = &hidden;' |
            cc -shared -fPIC -Wl,--hash-style=sysv -x c - -o \"$1\"",
            "-",
        ])
        .arg(&path)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let path = std::ffi::CString::new(path.into_os_string().into_encoded_bytes()).expect("no NUL");
    // SAFETY: a C string.
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null());
    // SAFETY: names end with NUL.
    let map =
        maps().find(|map| unsafe { CStr::from_ptr(map.name) } == path.as_c_str()).expect("it is in the list");
    // SAFETY: it stays loaded.
    let object = unsafe { Object::read(map) }.expect("it can be read");
    assert!(object.hash.is_null());
    for name in ["answer\0", "here\0", "hidden\0", "answe\0", "malloc\0"] {
        // SAFETY: the name ends with NUL.
        let expected = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
        let found = if name.starts_with("malloc") { ptr::null_mut() } else { expected };
        let found = if found.is_null() { Found::No } else { Found::At(found.cast()) };
        assert_eq!(object.find(name, hash(name.trim_end_matches('\0'))), found, "{name}");
    }
    let _ = std::fs::remove_file(std::path::Path::new(path.to_str().expect("a path in UTF-8")));
}

#[test]
fn hashes_are_those_of_the_format() {
    assert_eq!(hash(""), 5381);
    assert_eq!(hash("printf"), 0x156b_2bb8);
}
