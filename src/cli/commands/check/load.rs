//! What the dynamic linker would load for a program, and what it or a library would say to that.

use super::dynamic::Dynamic;
use super::search::{Places, directories, library_path};
use sockshim_elf::sanitizer::Sanitizer;
use std::path::{Path, PathBuf};

/// The program and the libraries that it needs, in the order in which they are loaded.
pub struct Load {
    files: Vec<Loaded>,
    /// A library that is nowhere, if it is certain that all places were looked at, and who needs it.
    pub missing: Option<(String, PathBuf)>,
}

struct Loaded {
    /// The name that it was looked for by; the program's is empty.
    name: String,
    path: PathBuf,
    dynamic: Dynamic,
    /// Which file needed it first. The program's own is itself.
    parent: usize,
}

impl Load {
    /// Looks for everything that the program at `path` needs, as the dynamic linker at `linker` would.
    pub fn of(path: &Path, data: &[u8], linker: &Path) -> Load {
        let places = Places::of(linker);
        let environment = library_path(path);
        let program =
            Loaded { name: String::new(), path: path.into(), dynamic: Dynamic::read(data), parent: 0 };
        let mut load = Load { files: vec![program], missing: None };
        let mut at = 0;
        while at < load.files.len() {
            for name in load.files[at].dynamic.needed.clone() {
                if load.files.iter().any(|file| file.name == name) {
                    continue;
                }
                let asking = &load.files[at];
                let before = load.directories_before(at, environment.as_deref());
                let no_default = asking.dynamic.no_default;
                match places.find(&name, before.as_deref().unwrap_or(&[]), no_default) {
                    Some((path, data)) => {
                        load.files.push(Loaded { name, path, dynamic: Dynamic::read(&data), parent: at });
                    }
                    // The dynamic linker itself is there already.
                    None if linker.file_name().is_some_and(|own| own.to_str() == Some(&name)) => {}
                    None if places.complete && before.is_some() && load.missing.is_none() => {
                        load.missing = Some((name, asking.path.clone()));
                    }
                    None => {}
                }
            }
            at += 1;
        }
        load
    }

    /// The directories that come before the usual ones for what a file needs; `None` where one cannot be told.
    fn directories_before(&self, file: usize, environment: Option<&[PathBuf]>) -> Option<Vec<PathBuf>> {
        let mut found = Vec::new();
        let asking = &self.files[file];
        if asking.dynamic.runpath.is_none() {
            // DT_RPATH is inherited, from who needed the file, and in the end from the program.
            let mut at = file;
            loop {
                let Loaded { dynamic, path, parent, .. } = &self.files[at];
                if let (Some(rpath), None) = (&dynamic.rpath, &dynamic.runpath) {
                    found.extend(directories(rpath, path)?);
                }
                if at == 0 {
                    break;
                }
                at = *parent;
            }
        }
        found.extend_from_slice(environment?);
        if let Some(runpath) = &asking.dynamic.runpath {
            found.extend(directories(runpath, &asking.path)?);
        }
        Some(found)
    }

    /// The first sanitizer's runtime, by the name that it is needed by, and the file that needs it. The runtime itself
    /// need not have been found: where the program runs it may be.
    pub fn sanitizer(&self) -> Option<(Sanitizer, &str, &Path)> {
        let needed =
            self.files.iter().flat_map(|file| file.dynamic.needed.iter().map(move |name| (name, file)));
        needed.into_iter().find_map(|(name, file)| {
            let sanitizer = Sanitizer::of_library(name.as_bytes())?;
            Some((sanitizer, name.as_str(), file.path.as_path()))
        })
    }

    /// The first version of a library's symbols that a file here wants and the library lacks.
    pub fn missing_version(&self) -> Option<Lack<'_>> {
        self.files
            .iter()
            .find_map(|file| self.lacks_for(&file.dynamic).map(|lack| Lack { by: &file.path, ..lack }))
    }

    /// The same for a library that is loaded beside them.
    pub fn lacks_for<'a>(&'a self, beside: &'a Dynamic) -> Option<Lack<'a>> {
        beside.wanted.iter().find_map(|(name, version)| {
            let library = self.files.iter().find(|file| file.name == *name)?;
            // A library without versions at all is let pass.
            let defined = &library.dynamic.defined;
            let lacks = !defined.is_empty() && !defined.contains(version);
            lacks.then_some(Lack { library: &library.path, version, by: Path::new("") })
        })
    }
}

/// A version of symbols that is not there.
#[derive(Debug)]
pub struct Lack<'a> {
    /// Who should define it.
    pub library: &'a Path,
    /// The version, such as `GLIBC_2.34`.
    pub version: &'a str,
    /// Who wants it.
    pub by: &'a Path,
}
