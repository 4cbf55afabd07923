//! curl, the client for the HTTP servers.

use std::fs;

use crate::session::{Session, checksum};

impl Session {
    /// Fetches the URLs one after the other with one curl. Records for each its status, whether it opened a new
    /// connection, and the body; with `--head`, what the headers say about the body.
    pub fn fetch(&mut self, options: &[&str], urls: &[String]) {
        let bodies = self.scratch.dir("bodies");
        let mut curl = self.command("curl", "curl");
        // No configuration file and no proxy of the user who runs the test.
        curl.args(["--disable", "--no-progress-meter", "--noproxy", "*", "--max-time", "120"]);
        curl.args(["--write-out", "status %{http_code}, %{num_connects} new connections\n"]).args(options);
        for (index, url) in urls.iter().enumerate() {
            curl.arg("--output").arg(bodies.join(index.to_string())).arg(url);
        }
        let output = self.run(&mut curl, b"");
        self.saw(format!("curl: exit {:?} {}", output.status.code(), output.stderr()));
        for line in output.stdout().lines() {
            self.saw(line);
        }
        for index in 0..urls.len() {
            // curl creates no file for an empty body.
            let body = fs::read(bodies.join(index.to_string())).unwrap_or_default();
            match std::str::from_utf8(&body) {
                Ok(headers) if options.contains(&"--head") => {
                    // Other headers contain the time of day.
                    let length = headers.lines().find(|line| line.starts_with("Content-Length"));
                    self.saw(length.unwrap_or("no Content-Length"));
                }
                Ok(text) if text.len() < 80 => self.saw(format!("body {text:?}")),
                _ => self.saw(checksum(&body)),
            }
        }
        fs::remove_dir_all(bodies).expect("the bodies that curl wrote");
    }
}
