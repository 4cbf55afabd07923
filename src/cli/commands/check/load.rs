//! The files that the dynamic linker would load for a program, and why it or a library would refuse.

use super::dependencies::Dependencies;
use super::search::{Places, directories, library_path};
use sockshim_elf::sanitizer::Sanitizer;
use std::path::{Path, PathBuf};

/// The program and the libraries that it needs, in the order in which they are loaded.
pub struct Load {
    files: Vec<Loaded>,
    /// A library that was not found, and the file that needs it; only if all directories are known to have been
    /// searched.
    pub missing: Option<(String, PathBuf)>,
}

struct Loaded {
    /// The name under which it was searched; empty for the program.
    name: String,
    path: PathBuf,
    dynamic: Dependencies,
    /// The index of the file that needed it first. The program's is its own.
    parent: usize,
}

impl Load {
    /// Finds everything that the program at `path` needs, as the dynamic linker at `linker` would.
    pub fn of(path: &Path, data: &[u8], linker: &Path) -> Load {
        let places = Places::of(linker);
        let environment = library_path(path);
        let program =
            Loaded { name: String::new(), path: path.into(), dynamic: Dependencies::read(data), parent: 0 };
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
                        load.files.push(Loaded {
                            name,
                            path,
                            dynamic: Dependencies::read(&data),
                            parent: at,
                        });
                    }
                    // The dynamic linker itself is already loaded.
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

    /// The directories that are searched before the default ones for what a file needs; `None` if one is not known.
    fn directories_before(&self, file: usize, environment: Option<&[PathBuf]>) -> Option<Vec<PathBuf>> {
        let mut found = Vec::new();
        let asking = &self.files[file];
        if asking.dynamic.runpath.is_none() {
            // DT_RPATH is inherited from the file that needed this one, and so on up to the program.
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

    /// The first sanitizer's runtime by the name under which it is needed, and the file that needs it. The runtime
    /// itself need not have been found: it may exist where the program runs.
    pub fn sanitizer(&self) -> Option<(Sanitizer, &str, &Path)> {
        let needed =
            self.files.iter().flat_map(|file| file.dynamic.needed.iter().map(move |name| (name, file)));
        needed.into_iter().find_map(|(name, file)| {
            let sanitizer = Sanitizer::of_library(name.as_bytes())?;
            Some((sanitizer, name.as_str(), file.path.as_path()))
        })
    }

    /// The first symbol version that a file here needs and the library does not define.
    pub fn missing_version(&self) -> Option<Lack<'_>> {
        self.files
            .iter()
            .find_map(|file| self.lacks_for(&file.dynamic).map(|lack| Lack { by: &file.path, ..lack }))
    }

    /// The first symbol version that `beside`, a library loaded together with them, needs and they do not define.
    pub fn lacks_for<'a>(&'a self, beside: &'a Dependencies) -> Option<Lack<'a>> {
        beside.wanted.iter().find_map(|(name, version)| {
            let library = self.files.iter().find(|file| file.name == *name)?;
            // A library without any versions is accepted.
            let defined = &library.dynamic.defined;
            let lacks = !defined.is_empty() && !defined.contains(version);
            lacks.then_some(Lack { library: &library.path, version, by: Path::new("") })
        })
    }
}

/// A symbol version that is not defined.
#[derive(Debug)]
pub struct Lack<'a> {
    /// The library that should define it.
    pub library: &'a Path,
    /// The version, such as `GLIBC_2.34`.
    pub version: &'a str,
    /// The file that needs it.
    pub by: &'a Path,
}
