//! The page that people read, from the same numbers that the JSON file has.

use serde_json::Value;

/// `result.md`.
pub fn page(result: &Value) -> String {
    let verdict = match result["passed"].as_bool() {
        Some(true) => "passed",
        _ => "did not pass",
    };
    let mut page = format!("# GPU check: {verdict}\n\n");
    for section in ["machine", "build"] {
        for (key, value) in result[section].as_object().into_iter().flatten() {
            page.push_str(&format!(
                "- {key}: {}\n",
                value.as_str().unwrap_or_default()
            ));
        }
    }
    page.push_str(&parity(result));
    page.push_str(&training_runs(result));
    page.push_str(&throughput(result));
    page
}

fn parity(result: &Value) -> String {
    let mut text = String::from(
        "\n## The CPU's f32 kernels beside the device\n\n\
         Largest differences of log-probability, entropy and decoding (against the device's own training pass) in nats; \
         of a parameter's gradient and a step's loss relative. The first and last loss are the device's.\n\n",
    );
    text.push_str(
        "| precision | family | log-probability | entropy | gradient | loss | decoding | first loss | last loss |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for step in list(&result["parity"]) {
        let precision = step["precision"].as_str().unwrap_or("?");
        for family in list(&step["families"]) {
            let name = family["family"].as_str().unwrap_or("?");
            let small = ["logp", "entropy", "gradient", "loss", "decoding"]
                .map(|key| scientific(&family[key]));
            let losses = ["first_loss", "last_loss"].map(|key| fixed(&family[key], 3));
            text.push_str(&format!(
                "| {precision} | {name} | {} | {} |\n",
                small.join(" | "),
                losses.join(" | ")
            ));
        }
        let limit = |key: &str| scientific(&step["tolerance"][key]);
        if step["tolerance"].is_object() {
            text.push_str(&format!(
                "| {precision} | *allowed* | {nats} | {nats} | {} | {} | {} | | |\n",
                limit("gradient"),
                limit("loss"),
                limit("decoding"),
                nats = limit("nats")
            ));
        }
    }
    for step in list(&result["parity"]) {
        text.push_str(&failures(step));
    }
    text
}

fn training_runs(result: &Value) -> String {
    let mut text = String::from("\n## Training runs on the device\n\n");
    let runs = list(&result["training_runs"]);
    if runs.is_empty() {
        text.push_str("None was made.\n");
        return text;
    }
    text.push_str(
        "Decoding: how far tokens' log-probabilities at decoding and in training are apart, in nats: the mean of the worst \
         step, what is allowed, and the worst token.\n\n\
         | precision | supervised steps | loss | reinforcement steps | held-out problems solved | decoding | allowed | one token |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for run in runs {
        let solved: Vec<String> = list(&run["solved"]).iter().map(percent).collect();
        text.push_str(&format!(
            "| {} | {} | {}, then {} | {} | {} | {} | {} | {} |\n",
            run["precision"].as_str().unwrap_or("?"),
            run["supervised_steps"],
            fixed(&run["first_loss"], 3),
            fixed(&run["last_loss"], 3),
            run["reinforcement_steps"],
            solved.join(", then "),
            scientific(&run["decoding_difference"]),
            scientific(&run["allowed_difference"]),
            scientific(&run["decoding_difference_of_a_token"])
        ));
    }
    for run in runs {
        text.push_str(&failures(run));
    }
    text
}

fn throughput(result: &Value) -> String {
    let mut text = String::from(
        "\n## Speed\n\n\
         Random weights, every completion at full length; medians. A share is the operations that the mathematics needs over \
         the peak of dense bf16 products. Memory is the whole device's.\n\n",
    );
    text.push_str(
        "| model | precision | attempts (group) | prompt + new tokens | phase | tokens/s | TFLOP/s | of the peak | memory |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut peaks = Vec::new();
    for step in list(&result["throughput"]) {
        for phase in ["decoding", "training"] {
            let found = &step[phase];
            if !found.is_object() {
                continue;
            }
            let teraflops = found["operations_per_second"]
                .as_f64()
                .map(|rate| rate / 1e12);
            text.push_str(&format!(
                "| {} | {} | {} ({}) | {} + {} | {phase} | {} | {} | {} | {} |\n",
                step["shape"].as_str().unwrap_or("?"),
                step["precision"].as_str().unwrap_or("?"),
                step["sequences"],
                step["group"],
                step["prompt_tokens"],
                step["new_tokens"],
                fixed(&found["tokens_per_second"], 0),
                teraflops.map_or("?".into(), |rate| format!("{rate:.1}")),
                percent(&found["utilisation"]),
                gibibytes(&found["peak_bytes"])
            ));
        }
        let mut lines = Vec::new();
        if let Some(peak) = step["peak_tflops"].as_f64() {
            let device = step["device"].as_str().unwrap_or("the device");
            lines.push(format!(
                "\nThe peak of {device} is taken as {peak} TFLOP/s.\n"
            ));
        }
        if let (Some(operations), Some(bytes)) = (
            step["product_operations_per_second"].as_f64(),
            step["copied_bytes_per_second"].as_f64(),
        ) {
            lines.push(format!(
                "\nBefore {}: a large product at {:.0} TFLOP/s, a copy at {:.0} GB/s read and written.\n",
                step["shape"].as_str().unwrap_or("?"),
                operations / 1e12,
                bytes / 1e9
            ));
        }
        lines.retain(|line| !peaks.contains(line));
        peaks.extend(lines);
    }
    text.push_str(&peaks.concat());
    for step in list(&result["throughput"]) {
        text.push_str(&failures(step));
    }
    text
}

fn failures(step: &Value) -> String {
    let name = step["name"].as_str().unwrap_or("run");
    let lines = list(&step["failures"]).iter().filter_map(Value::as_str);
    lines
        .map(|failure| format!("\n**{name}**: {failure}\n"))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// JSON has no infinity and writes null.
fn scientific(value: &Value) -> String {
    value
        .as_f64()
        .map_or("not finite".into(), |value| format!("{value:.1e}"))
}

fn fixed(value: &Value, digits: usize) -> String {
    value
        .as_f64()
        .map_or("?".into(), |value| format!("{value:.digits$}"))
}

fn percent(value: &Value) -> String {
    value
        .as_f64()
        .map_or("?".into(), |value| format!("{:.1} %", value * 100.0))
}

fn gibibytes(value: &Value) -> String {
    let bytes = value.as_f64();
    bytes.map_or("?".into(), |bytes| {
        format!("{:.1} GiB", bytes / f64::from(1 << 30))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_whole_page() {
        let result = json!({
            "passed": true,
            "machine": { "gpu": "NVIDIA H100 80GB HBM3", "driver": "580.65" },
            "build": { "commit": "abc" },
            "parity": [{
                "name": "parity-f32",
                "precision": "f32",
                "tolerance": { "nats": 1e-4, "gradient": 1e-3, "loss": 1e-3, "decoding": 1e-4 },
                "families": [{
                    "family": "llama", "logp": 1.25e-6, "entropy": 2e-6, "gradient": 3e-5, "loss": 4e-6,
                    "decoding": null, "first_loss": 4.5, "last_loss": 3.25,
                }],
                "failures": [],
            }],
            "training_runs": [{
                "name": "run-f32", "precision": "f32", "supervised_steps": 250, "reinforcement_steps": 100,
                "first_loss": 4.8, "last_loss": 0.9, "solved": [0.47, 0.6], "decoding_difference": 2e-6,
                "decoding_difference_of_a_token": 8e-5, "allowed_difference": 1e-4, "failures": [],
            }],
            "throughput": [
                {
                    "name": "throughput-qwen2.5-0.5b", "device": "NVIDIA H100 80GB HBM3", "shape": "qwen2.5-0.5b",
                    "precision": "bf16", "sequences": 128, "group": 8, "prompt_tokens": 128, "new_tokens": 256,
                    "peak_tflops": 989.0,
                    "decoding": { "tokens_per_second": 1234.5, "operations_per_second": 1.5e12, "utilisation": 0.0015,
                        "peak_bytes": 3_u64 << 30 },
                    "failures": [],
                },
                { "name": "throughput-qwen2.5-1.5b", "failures": ["exit status 1: out of memory"] },
            ],
        });
        insta::assert_snapshot!(page(&result), @r"
        # GPU check: passed

        - driver: 580.65
        - gpu: NVIDIA H100 80GB HBM3
        - commit: abc

        ## The CPU's f32 kernels beside the device

        Largest differences of log-probability, entropy and decoding (against the device's own training pass) in nats; of a parameter's gradient and a step's loss relative. The first and last loss are the device's.

        | precision | family | log-probability | entropy | gradient | loss | decoding | first loss | last loss |
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |
        | f32 | llama | 1.3e-6 | 2.0e-6 | 3.0e-5 | 4.0e-6 | not finite | 4.500 | 3.250 |
        | f32 | *allowed* | 1.0e-4 | 1.0e-4 | 1.0e-3 | 1.0e-3 | 1.0e-4 | | |

        ## Training runs on the device

        Decoding: how far tokens' log-probabilities at decoding and in training are apart, in nats: the mean of the worst step, what is allowed, and the worst token.

        | precision | supervised steps | loss | reinforcement steps | held-out problems solved | decoding | allowed | one token |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        | f32 | 250 | 4.800, then 0.900 | 100 | 47.0 %, then 60.0 % | 2.0e-6 | 1.0e-4 | 8.0e-5 |

        ## Speed

        Random weights, every completion at full length; medians. A share is the operations that the mathematics needs over the peak of dense bf16 products. Memory is the whole device's.

        | model | precision | attempts (group) | prompt + new tokens | phase | tokens/s | TFLOP/s | of the peak | memory |
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |
        | qwen2.5-0.5b | bf16 | 128 (8) | 128 + 256 | decoding | 1234 | 1.5 | 0.1 % | 3.0 GiB |

        The peak of NVIDIA H100 80GB HBM3 is taken as 989 TFLOP/s.

        **throughput-qwen2.5-1.5b**: exit status 1: out of memory
        ");
    }

    #[test]
    fn a_run_that_was_not_made_is_said_to_be_missing() {
        let page = page(&json!({ "passed": false }));
        assert!(page.starts_with("# GPU check: did not pass\n"), "{page}");
        assert!(page.contains("None was made."), "{page}");
    }
}
