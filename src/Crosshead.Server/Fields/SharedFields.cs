namespace Crosshead.Server.Fields;

/// <summary>The fields that requests for completions and for chats share.</summary>
internal static class SharedFields
{
    private const string Strings = """{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]}""";

    public static readonly TextField Model = new("model", 0, int.MaxValue,
        "The name of the model; another name than the served ones is refused, none is taken.");
    public static readonly NumberField Temperature = new("temperature", 0, 2, false,
        "Divides the logits. 0 takes the likeliest token each time, and switches off the filters.");
    public static readonly NumberField TopP = new("top_p", 0, 1, true,
        "Keeps the fewest likeliest tokens whose probabilities sum to at least this.");
    public static readonly IntegerField TopK = new("top_k", -1, int.MaxValue,
        "Keeps the k likeliest tokens; 0 and -1 keep all.");
    public static readonly NumberField MinP = new("min_p", 0, 1, false,
        "Keeps tokens at least this many times as likely as the likeliest one.");
    public static readonly NumberField PresencePenalty = new("presence_penalty", -2, 2, false,
        "Subtracted from the logits of tokens that the answer already has.");
    public static readonly NumberField FrequencyPenalty = new("frequency_penalty", -2, 2, false,
        "Subtracted from the logit of a token once per time that the answer already has it.");
    public static readonly NumberField RepetitionPenalty = new("repetition_penalty", 0.01, 100, false,
        "Makes tokens of the prompt and of the answer less likely; 1 changes nothing.");
    public static readonly FormField LogitBias = new("logit_bias",
        """{"type":"object","additionalProperties":{"type":"number","minimum":-100,"maximum":100}}""",
        "Added to the logits of some tokens: from an id, as a text, to a number from -100 to 100.");
    public static readonly IntegerField Seed = new("seed", long.MinValue, long.MaxValue,
        "Draws the same tokens each time. Without it a seed is drawn; the header X-Crosshead-Seed tells it.");
    public static readonly FormField Stop = new("stop", Strings,
        "A text, or up to 16 texts, that ends the answer and is not part of it.");
    public static readonly SwitchField IncludeStop = new("include_stop_str_in_output",
        "Whether the text that ended the answer is part of it.");
    public static readonly FormField StopIds = new("stop_token_ids",
        """{"type":"array","items":{"type":"integer","minimum":0}}""", "Ids of tokens that end the answer.");
    public static readonly SwitchField IgnoreEnd = new("ignore_eos",
        "Whether the answer goes on after the model's own end tokens.");
    public static readonly IntegerField MinTokens = new("min_tokens", 0, int.MaxValue,
        "The number of tokens before which nothing ends the answer; at most max_tokens.");
    public static readonly IntegerField Choices = new("n", 1, 128,
        "The number of answers; the prompt is computed once for all of them.");
    public static readonly SwitchField Stream = new("stream", "Whether the answer comes in events as it is made.");
    public static readonly FormField StreamOptions = new("stream_options",
        """
        {"type":"object","properties":{"include_usage":{"type":"boolean"},
        "continuous_usage_stats":{"type":"boolean"}}}
        """, "What a stream tells besides the answer; only with stream.");
    public static readonly SwitchField SkipSpecial = new("skip_special_tokens",
        "Whether special tokens are left out of the text; true by default.");
    public static readonly SwitchField AddSpecial = new("add_special_tokens",
        "Whether the tokenizer adds its special tokens to a text, such as a begin token.");
    public static readonly IntegerField Truncate = new("truncate_prompt_tokens", -1, int.MaxValue,
        "Keeps the last tokens of the prompt; -1 keeps what the context holds.");
    public static readonly FormField ResponseFormat = new("response_format",
        """{"type":"object","properties":{"type":{"enum":["text","json_object","json_schema"]}}}""",
        "The form of the answer: any text, a JSON object, or JSON that fits a schema.");
    public static readonly FormField Structured = new("structured_outputs",
        """
        {"type":"object","properties":{"json":{},"regex":{"type":"string"},
        "choice":{"type":"array","items":{"type":"string"}}},"minProperties":1,"maxProperties":1}
        """, "The form of the answer: a JSON schema, a regular expression, or one of some texts.");
    public static readonly IntegerField PromptLogprobs = new("prompt_logprobs", 0, 20,
        "The number of likeliest tokens told for each place of the prompt; not with stream.");
    public static readonly SwitchField ReturnIds = new("return_token_ids",
        "Whether the answer has the ids of the prompt's and of the answer's tokens.");
    public static readonly SwitchField TokensAsIds = new("return_tokens_as_token_ids",
        "Whether log-probabilities name tokens as token_id:N instead of by their text.");
    public static readonly IntegerField Priority = new("priority", int.MinValue, int.MaxValue,
        "A request with a smaller number goes first; only if the server honours priorities.");
    public static readonly TextField CacheSalt = new("cache_salt", 1, 1024,
        "Computed prefixes are shared only among requests with the same text here.");

    /// <summary>All of them.</summary>
    public static readonly Field[] All =
    [
        Model, Temperature, TopP, TopK, MinP, PresencePenalty, FrequencyPenalty, RepetitionPenalty, LogitBias, Seed,
        Stop, IncludeStop, StopIds, IgnoreEnd, MinTokens, Choices, Stream, StreamOptions, SkipSpecial, AddSpecial,
        Truncate, ResponseFormat, Structured, PromptLogprobs, ReturnIds, TokensAsIds, Priority, CacheSalt,
        new UnusedField("user"), new UnusedField("metadata"), new UnusedField("store"),
        new UnusedField("service_tier"), new UnusedField("safety_identifier"), new UnusedField("prompt_cache_key"),
        Refused("use_beam_search", "use n for several answers", "false"),
        Refused("length_penalty", "it belongs to beam search", "1", "1.0"),
        Refused("bad_words", "forbid tokens with logit_bias -100", "[]"),
        Refused("allowed_token_ids", "allow texts with structured_outputs.choice"),
        Refused("logits_processors", "use logit_bias", "[]"),
        Refused("guided_json", "use structured_outputs.json"),
        Refused("guided_regex", "use structured_outputs.regex"),
        Refused("guided_choice", "use structured_outputs.choice"),
        Refused("guided_grammar", "use structured_outputs"),
        Refused("grammar", "use structured_outputs"),
        Refused("json_schema", "use response_format"),
        Refused("lora", "serve the merged model", "[]"),
        Refused("extra_body", "put its fields beside the others", "{}"),
        Refused("n_predict", "use max_tokens", "-1"),
        Refused("n_probs", "use logprobs", "0"),
        Refused("repeat_penalty", "use repetition_penalty", "1", "1.0"),
        Refused("typical_p", "use top_p or min_p", "1", "1.0"),
        Refused("top_n_sigma", "use top_p or min_p", "-1", "-1.0", "0", "0.0"),
        Refused("xtc_probability", "use temperature", "0", "0.0"),
        Refused("dry_multiplier", "use frequency_penalty", "0", "0.0"),
        Refused("dynatemp_range", "use temperature", "0", "0.0"),
        Refused("mirostat", "use temperature and top_p", "0"),
    ];

    private static RefusedField Refused(string name, string remedy, params string[] harmless) =>
        new(name, harmless, remedy);
}
