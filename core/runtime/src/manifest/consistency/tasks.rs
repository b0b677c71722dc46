//! Tasks and their rewards: one source each, names of their own.

use super::{Check, name_place};
use crate::manifest::source::Place;
use crate::manifest::tree::Content;

impl Check<'_> {
    pub(super) fn tasks(&mut self) {
        let names = self.sections.task_names.iter().enumerate();
        let names: Vec<(String, Place)> = names
            .filter_map(|(index, name)| {
                Some((
                    name.clone()?,
                    name_place(self.tree, &format!("/task/{index}")),
                ))
            })
            .collect();
        self.unique("tasks", &names);
        for (index, name) in self.sections.task_names.iter().enumerate() {
            self.rewards(index, name.as_deref().unwrap_or("?"));
        }
    }

    fn rewards(&mut self, task: usize, task_name: &str) {
        let rewards = format!("/task/{task}/rewards");
        let Some(Content::List(list)) = self.tree.at(&rewards).map(|node| &node.content) else {
            return;
        };
        let mut names = Vec::new();
        for index in 0..list.len() {
            let reward = format!("{rewards}/{index}");
            self.one_of(
                &reward,
                "use",
                "python",
                "a plugin's component, or a Python function",
            );
            if let Some(name) = self.reward_name(&reward) {
                names.push((name, name_place(self.tree, &reward)));
            }
        }
        self.unique(&format!("rewards of the task `{task_name}`"), &names);
    }

    /// A reward's name as it will be filled in.
    fn reward_name(&self, reward: &str) -> Option<String> {
        let text = |key: &str| self.tree.at(&format!("{reward}/{key}"))?.as_str();
        let function = |python: &str| python.rsplit(':').next().unwrap_or_default().to_owned();
        text("name")
            .or_else(|| text("use"))
            .map(str::to_owned)
            .or_else(|| text("python").map(function))
    }
}
