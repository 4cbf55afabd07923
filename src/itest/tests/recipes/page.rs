//! What a page shows: its headings, and below each the files and commands.

/// A fenced block.
pub struct Block {
    /// What stands behind the fence: the language, or nothing.
    pub kind: String,
    /// Its lines.
    pub text: String,
}

/// A command with what it prints.
#[derive(Debug)]
pub struct Step {
    /// The command. Further lines of it begin with `> ` on the page.
    pub command: String,
    /// The lines below it. `…` stands for anything: within a line, or as a line of its own for any number of lines.
    pub shown: Vec<String>,
}

/// What stands under a heading.
#[derive(Default)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// The files that the page has shown so far, each in a block with a language, whose first line is `# ` and the file's
    /// name.
    pub files: Vec<(String, String)>,
    /// The commands, in order: blocks without a language that begin with `$ `.
    pub steps: Vec<Step>,
    /// The lines outside of blocks.
    pub prose: Vec<String>,
}

impl Section {
    fn add(&mut self, block: &Block) {
        if block.kind.is_empty() {
            return self.steps.extend(steps(&block.text));
        }
        if let Some(name) = block.text.lines().next().and_then(|line| line.strip_prefix("# "))
            && name.contains('.')
            && !name.contains(' ')
        {
            let is_new = self.files.iter().all(|(earlier, _)| earlier != name);
            assert!(is_new, "{name} is there twice");
            self.files.push((name.into(), block.text.clone()));
        }
    }
}

enum Part<'a> {
    Prose(&'a str),
    Block(Block),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { kind: kind.trim().into(), text: String::new() }),
            (None, None) => parts.push(Part::Prose(line)),
            (Some(block), Some(_)) => parts.push(Part::Block(block)),
            (Some(mut block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
        }
    }
    assert!(open.is_none(), "a block without an end");
    parts
}

/// The blocks of a page.
pub fn blocks(text: &str) -> impl Iterator<Item = Block> {
    parts(text).into_iter().filter_map(|part| match part {
        Part::Block(block) => Some(block),
        Part::Prose(_) => None,
    })
}

/// The sections of a page, at whatever depth their headings are.
pub fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    for part in parts(text) {
        let last = sections.last_mut().expect("there is one");
        match part {
            Part::Block(block) => last.add(&block),
            Part::Prose(line) if line.starts_with('#') => {
                let heading = line.trim_start_matches('#').trim().into();
                let files = last.files.clone();
                sections.push(Section { heading, files, ..Section::default() });
            }
            Part::Prose(line) => last.prose.push(line.into()),
        }
    }
    sections
}

/// The commands of a block with what is shown below each. None if it does not begin with one.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.into(), shown: Vec::new() });
            continue;
        }
        let Some(step) = steps.last_mut() else { return Vec::new() };
        match line.strip_prefix("> ").filter(|_| step.shown.is_empty()) {
            Some(more) => step.command = format!("{}\n{more}", step.command),
            None => step.shown.push(line.into()),
        }
    }
    steps
}
