namespace Crosshead.Tests.Server;

/// <summary>Requests that cannot be answered: each is refused before anything runs.</summary>
internal static class BadRequests
{
    private const string Completion = "/v1/completions", Chat = "/v1/chat/completions";

    /// <summary>Addresses and bodies; what is wrong is seen in the accepted answers.</summary>
    public static IEnumerable<(string Path, string Body)> All() =>
    [
        .. s_completions.Select(fields => (Completion, $$"""{"prompt":"the",{{fields}}}""")),
        .. s_prompts.Select(prompt => (Completion, $$"""{"prompt":{{prompt}}}""")),
        .. s_bodies.Select(body => (Completion, body)),
        .. s_messages.Select(messages => (Chat, $$"""{"messages":{{messages}}}""")),
        .. s_chats.Select(fields => (Chat, $$"""{"messages":[{"role":"user","content":"Hi"}],{{fields}}}""")),
        .. s_others,
    ];

    private static readonly string[] s_bodies =
    [
        "", " ", "null", "[]", "3", "\"prompt\"", "{", "{}", "{\"prompt\":\"the\"", "{\"prompt\":\"the\",}",
        "{'prompt':'the'}", "{\"prompt\":\"the\"} {}", "{\"prompt\":\"a\",\"prompt\":\"b\"}",
        "{\"prompt\":\"a\",\"logit_bias\":{\"1\":1,\"2\":{\"1\":1},\"\\u0032\":3}}",
        "{\"prompt\":\"\\ud83d\"}",
        "{\"\\udc00\":1,\"prompt\":\"a\"}", "{\"prompt\":\"the\",\"temperature\":NaN}",
        "{\"prompt\":\"the\",\"temperature\":Infinity}", "{\"prompt\":\"the\",\"x\":" + new string('[', 100)
            + new string(']', 100) + "}", "prompt=the", "{\"prompt\":\"a\tb\"}",
    ];

    private static readonly string[] s_prompts =
    [
        "null", "\"\"", "[]", "3", "true", "{}", "[\"\"]", "[\"a\",\"\"]", "[[]]", "[[70],[]]", "[\"a\",70]",
        "[70,\"a\"]", "[70,[71]]", "[[70],\"a\"]", "[null]", "[true]", "[-1]", "[70,320]", "[70,99999999999]", "[70.5]",
        "[[70],[-1]]", "[[70,\"a\"]]", $"[{string.Join(',', Enumerable.Repeat("\"a\"", 257))}]",
        $"[{string.Join(',', Enumerable.Repeat("70", 1024))}]", $"[{string.Join(',', Enumerable.Repeat("70", 2000))}]",
    ];

    private static readonly string[] s_completions =
    [
        "\"model\":\"tinny\"", "\"model\":3", "\"max_tokens\":0", "\"max_tokens\":-1", "\"max_tokens\":1.5",
        "\"max_tokens\":\"5\"", "\"max_tokens\":99999999999999999999", "\"max_tokens\":1024",
        "\"max_tokens\":2000000000",
        "\"max_tokens\":5,\"max_completion_tokens\":6", "\"max_completion_tokens\":-3", "\"temperature\":-0.1",
        "\"temperature\":2.1", "\"temperature\":\"hot\"", "\"temperature\":1e999", "\"temperature\":true",
        "\"top_p\":0", "\"top_p\":1.01", "\"top_p\":-1", "\"top_k\":-2", "\"top_k\":1.5", "\"top_k\":\"all\"",
        "\"min_p\":-0.1", "\"min_p\":1.1", "\"presence_penalty\":-2.5", "\"presence_penalty\":3",
        "\"frequency_penalty\":-2.5", "\"frequency_penalty\":2.01", "\"repetition_penalty\":0",
        "\"repetition_penalty\":101", "\"logit_bias\":[]", "\"logit_bias\":{\"a\":1}", "\"logit_bias\":{\"-1\":1}",
        "\"logit_bias\":{\"320\":1}", "\"logit_bias\":{\"70\":101}", "\"logit_bias\":{\"70\":-101}",
        "\"logit_bias\":{\"70\":\"1\"}", "\"logit_bias\":{\"70\":null}", "\"logit_bias\":{\"7 0\":1}", "\"seed\":1.5",
        "\"seed\":\"1\"", "\"seed\":99999999999999999999", "\"stop\":\"\"", "\"stop\":[\"\"]", "\"stop\":[1]",
        "\"stop\":3",
        $"\"stop\":[{string.Join(',', Enumerable.Repeat("\"a\"", 17))}]",
        $"\"stop\":\"{new string('a', 5000)}\"", "\"stop\":[null]", "\"include_stop_str_in_output\":\"yes\"",
        "\"stop_token_ids\":[320]", "\"stop_token_ids\":[-1]", "\"stop_token_ids\":5", "\"stop_token_ids\":[\"a\"]",
        "\"ignore_eos\":1", "\"min_tokens\":-1", "\"min_tokens\":6,\"max_tokens\":5", "\"n\":0", "\"n\":17",
        "\"n\":129",
        "\"n\":\"two\"", "\"best_of\":2", "\"best_of\":0", "\"stream\":\"true\"", "\"stream\":1",
        "\"stream_options\":{\"include_usage\":true}", "\"stream\":true,\"stream_options\":[]",
        "\"stream\":true,\"stream_options\":{\"include_usage\":1}", "\"skip_special_tokens\":0",
        "\"add_special_tokens\":\"no\"", "\"truncate_prompt_tokens\":0", "\"truncate_prompt_tokens\":-2",
        "\"echo\":\"yes\"", "\"logprobs\":21", "\"logprobs\":-1", "\"logprobs\":true", "\"prompt_logprobs\":21",
        "\"prompt_logprobs\":-1", "\"prompt_logprobs\":1,\"stream\":true", "\"return_token_ids\":\"x\"",
        "\"return_tokens_as_token_ids\":\"x\"", "\"priority\":1", "\"priority\":1.5", "\"cache_salt\":\"\"",
        "\"cache_salt\":7", $"\"cache_salt\":\"{new string('s', 1025)}\"", "\"suffix\":\"end\"",
        "\"use_beam_search\":true", "\"length_penalty\":0.5", "\"bad_words\":[\"a\"]", "\"allowed_token_ids\":[1]",
        "\"extra_body\":{\"top_k\":5}", "\"n_predict\":5", "\"n_probs\":2",
        "\"repeat_penalty\":1.1", "\"typical_p\":0.9", "\"top_n_sigma\":1", "\"xtc_probability\":0.5",
        "\"dry_multiplier\":0.8", "\"dynatemp_range\":0.5", "\"mirostat\":2", "\"prompt_embeds\":\"a\"",
        "\"top_k\":2147483648", "\"max_tokens\":1099511627776", "\"seed\":9223372036854775808",
        "\"guided_json\":{}", "\"guided_regex\":\"a\"", "\"guided_choice\":[\"a\"]", "\"guided_grammar\":\"a\"",
        "\"grammar\":\"root ::= a\"", "\"json_schema\":{}", "\"lora\":[{\"id\":0}]",
        "\"response_format\":\"json\"", "\"response_format\":{}", "\"response_format\":{\"type\":\"xml\"}",
        "\"response_format\":{\"type\":\"json_schema\"}",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":[]}}",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"date\"}}}",
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"not\":{}}}}",
        "\"response_format\":{\"type\":\"json_object\"},\"structured_outputs\":{\"regex\":\"a\"}",
        "\"structured_outputs\":3", "\"structured_outputs\":{}", "\"structured_outputs\":{\"grammar\":\"a\"}",
        "\"structured_outputs\":{\"json\":{},\"regex\":\"a\"}", "\"structured_outputs\":{\"regex\":3}",
        "\"structured_outputs\":{\"regex\":\"(\"}", "\"structured_outputs\":{\"regex\":\"(a{1000}){1000}\"}",
        "\"structured_outputs\":{\"choice\":[]}", "\"structured_outputs\":{\"choice\":[\"\"]}",
        "\"structured_outputs\":{\"choice\":\"a\"}", "\"structured_outputs\":{\"json\":\"{\"}",
        "\"structured_outputs\":{\"json\":3}",
    ];

    private static readonly string[] s_messages =
    [
        "null", "[]", "\"Hi\"", "{}", "[3]", "[\"Hi\"]", "[{}]", "[{\"content\":\"Hi\"}]",
        "[{\"role\":\"usr\",\"content\":\"Hi\"}]", "[{\"role\":3,\"content\":\"Hi\"}]", "[{\"role\":\"user\"}]",
        "[{\"role\":\"user\",\"content\":null}]", "[{\"role\":\"user\",\"content\":3}]",
        "[{\"role\":\"user\",\"content\":[\"Hi\"]}]", "[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"}]}]",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":3}]}]",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}}]}]",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"input_audio\":{}}]}]",
        "[{\"role\":\"user\",\"content\":\"Hi\",\"name\":3}]",
        "[{\"role\":\"user\",\"content\":\"Hi\",\"tool_calls\":[{}]}]",
        "[{\"role\":\"assistant\",\"content\":null}]", "[{\"role\":\"assistant\",\"tool_calls\":{}}]",
        "[{\"role\":\"assistant\",\"tool_calls\":[3]}]", "[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\"}]}]",
        "[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}]",
        "[{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":3}]",
        "[{\"role\":\"tool\",\"tool_call_id\":3,\"content\":\"x\"}]", "[{\"role\":\"tool\",\"content\":\"\"}]",
        $"[{{\"role\":\"user\",\"content\":\"{new string('x', 2000)}\"}}]",
    ];

    private static readonly string[] s_chats =
    [
        "\"max_tokens\":0", "\"max_tokens\":2000", "\"logprobs\":1", "\"top_logprobs\":2",
        "\"echo\":true", "\"best_of\":2", "\"enable_thinking\":false",
        "\"top_logprobs\":21,\"logprobs\":true",
        "\"add_generation_prompt\":3", "\"continue_final_message\":true",
        "\"continue_final_message\":true,\"add_generation_prompt\":true", "\"chat_template_kwargs\":[]",
        "\"chat_template\":\"{{ messages }}\"", "\"reasoning_effort\":3", "\"reasoning_effort\":\"\"",
        "\"include_reasoning\":\"x\"", "\"tools\":[]", "\"tools\":{}", "\"tools\":[3]", "\"tools\":[{}]",
        "\"tools\":[{\"type\":\"web_search\"}]", "\"tools\":[{\"type\":\"function\"}]",
        "\"tools\":[{\"type\":\"function\",\"function\":{}}]",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"\"}}]",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":3}}]",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
            + "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]",
        "\"tool_choice\":\"auto\"", "\"tool_choice\":\"required\"", "\"tool_choice\":\"always\"", "\"tool_choice\":3",
        "\"tool_choice\":{\"type\":\"function\"}",
        "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
            + "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"array\"}}}],"
            + "\"tool_choice\":\"required\"",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\","
            + "\"response_format\":{\"type\":\"json_object\"}",
        "\"parallel_tool_calls\":\"no\"", "\"functions\":[{\"name\":\"f\"}]", "\"function_call\":{\"name\":\"f\"}",
        "\"documents\":[{}]", "\"modalities\":[\"audio\"]", "\"audio\":{}", "\"web_search_options\":{}",
        "\"prediction\":{}",
    ];

    private static readonly (string Path, string Body)[] s_others =
    [
        ("/tokenize", "{}"), ("/tokenize", "{\"prompt\":3}"), ("/tokenize", "{\"content\":[]}"),
        ("/tokenize", "{\"messages\":[]}"), ("/tokenize", "{\"prompt\":\"a\",\"add_special_tokens\":1}"),
        ("/tokenize", "{\"prompt\":\"a\",\"model\":\"x\"}"), ("/tokenize", "{\"prompt\":\"a\",\"with_pieces\":true}"),
        ("/detokenize", "{}"), ("/detokenize", "{\"tokens\":3}"), ("/detokenize", "{\"tokens\":[320]}"),
        ("/detokenize", "{\"tokens\":[-1]}"), ("/detokenize", "{\"tokens\":[\"a\"]}"), ("/apply-template", "{}"),
        ("/apply-template", "{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}"), ("/nowhere", "{}"),
        ("/v1/chat/completion", "{}"), ("/v2/completions", "{}"), ("/health", "{}"), ("/v1/models", "{}"),
        ("/v1/models/tiny", "{}"), ("/v1/embeddings", "{}"), ("/", "{}"),
    ];
}
