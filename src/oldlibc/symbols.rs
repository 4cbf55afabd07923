// The symbols of glibc that Rust's standard library and the start files would bind to a newer version than 2.28, each with the
// version before. Read under a macro of their own by this crate and by the command's `build.rs`.
symbols! {
    // These were in libpthread and libdl before 2.34.
    same {
        dlerror "GLIBC_2.2.5";
        dlopen "GLIBC_2.2.5";
        dlsym "GLIBC_2.2.5";
        pthread_attr_getguardsize "GLIBC_2.2.5";
        pthread_attr_getstack "GLIBC_2.2.5";
        pthread_attr_setstacksize "GLIBC_2.2.5";
        pthread_create "GLIBC_2.2.5";
        pthread_detach "GLIBC_2.2.5";
        pthread_getattr_np "GLIBC_2.2.5";
        pthread_join "GLIBC_2.2.5";
        pthread_key_create "GLIBC_2.2.5";
        pthread_key_delete "GLIBC_2.2.5";
        pthread_setname_np "GLIBC_2.12";
        pthread_setspecific "GLIBC_2.2.5";
        pthread_sigmask "GLIBC_2.2.5";
    }
    // Before 2.33 they were inline functions around these, whose first argument is the version of the structure.
    stat {
        stat64 "__xstat64@GLIBC_2.2.5";
        fstat64 "__fxstat64@GLIBC_2.2.5";
        lstat64 "__lxstat64@GLIBC_2.2.5";
    }
    // The library has them in its own words, or none of them: the standard library then does without.
    own { __libc_start_main; gettid; posix_spawn_file_actions_addchdir_np; }
}
