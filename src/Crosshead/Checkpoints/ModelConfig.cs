using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Model;

namespace Crosshead.Checkpoints;

/// <summary>
/// Between <see cref="ModelOptions"/> and Hugging Face's <c>config.json</c>. Plain grouped-query models are written as
/// <c>llama</c>; the others as <c>crosshead</c> with the attention options beside Llama's keys.
/// </summary>
public static class ModelConfig
{
    private const string Llama = "llama", Crosshead = "crosshead";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static readonly JsonSerializerOptions AttentionJson = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict,
    };

    // Keys whose other values would change what the model computes, with the only value supported.
    private static readonly (string Key, string Supported)[] Fixed =
    [
        ("hidden_act", "silu"), ("attention_bias", "False"), ("mlp_bias", "False"), ("rope_scaling", ""), ("sliding_window", ""), ("pretraining_tp", "1"),
    ];

    /// <summary>The text of <c>config.json</c>.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="dtype">Name of the stored precision, for example <c>float32</c>.</param>
    /// <param name="beginToken">Id of the token a text begins with; null for none.</param>
    /// <param name="endToken">Id of the token a text ends with; null for none.</param>
    public static string Write(ModelOptions options, string dtype, int? beginToken = null, int? endToken = null)
    {
        var plain = options.Attention.Variant == AttentionVariant.Gqa;
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(plain ? "LlamaForCausalLM" : "CrossheadForCausalLM"),
            ["model_type"] = plain ? Llama : Crosshead,
            ["vocab_size"] = options.VocabularySize,
            ["hidden_size"] = options.HiddenSize,
            ["intermediate_size"] = options.FeedForward,
            ["num_hidden_layers"] = options.Layers,
            ["num_attention_heads"] = options.Attention.Heads,
            ["num_key_value_heads"] = options.Attention.KeyValueHeads ?? options.Attention.Heads,
            ["head_dim"] = options.HeadDim,
            ["max_position_embeddings"] = options.Context,
            ["rope_theta"] = options.RopeBase,
            ["rms_norm_eps"] = options.NormEpsilon,
            ["initializer_range"] = options.InitializerRange,
            ["tie_word_embeddings"] = options.TieEmbeddings,
            ["hidden_act"] = "silu",
            ["attention_bias"] = false,
            ["mlp_bias"] = false,
            ["torch_dtype"] = dtype,
        };
        if (beginToken is { } begin) json["bos_token_id"] = begin;
        if (endToken is { } end) json["eos_token_id"] = end;
        if (!plain)
        {
            json["base_model_type"] = Llama;
            json["attention"] = JsonSerializer.SerializeToNode(options.Attention, AttentionJson);
        }
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="CrossheadException">The file is missing, no JSON, of an unknown architecture, or asks for what is not supported.</exception>
    public static ModelOptions Read(string path)
    {
        if (!File.Exists(path)) throw new CrossheadException($"\"{path}\" does not exist; name a model directory that holds config.json and model.safetensors.");
        JsonObject json;
        try
        {
            json = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("it is no object");
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"\"{path}\" is no valid config.json: {e.Message.Split('\n')[0]}", e);
        }
        var type = Text(json, "model_type") ?? "";
        if (type is not (Llama or Crosshead))
            throw new CrossheadException($"\"{path}\": model_type \"{type}\" is not supported; supported are {Llama} and {Crosshead}.");
        foreach (var (key, supported) in Fixed)
        {
            if (json[key] is { } value && Text(json, key) != supported)
                throw new CrossheadException($"\"{path}\": {key} = {value.ToJsonString()} is not supported{(supported.Length > 0 ? $"; supported is {supported}" : "")}.");
        }
        var options = Options(path, json, type);
        options.Validate();
        return options;
    }

    private static ModelOptions Options(string path, JsonObject json, string type)
    {
        var heads = Required<int>(path, json, "num_attention_heads");
        var attention = type == Crosshead ? Attention(path, json) : new AttentionOptions();
        return new ModelOptions
        {
            VocabularySize = Required<int>(path, json, "vocab_size"),
            HiddenSize = Required<int>(path, json, "hidden_size"),
            FeedForwardSize = Required<int>(path, json, "intermediate_size"),
            Layers = Required<int>(path, json, "num_hidden_layers"),
            Context = Required<int>(path, json, "max_position_embeddings"),
            RopeBase = RopeBase(path, json),
            NormEpsilon = Optional(path, json, "rms_norm_eps", 1e-6),
            InitializerRange = Optional(path, json, "initializer_range", 0.02),
            TieEmbeddings = Optional(path, json, "tie_word_embeddings", false),
            Attention = attention with
            {
                Heads = heads,
                KeyValueHeads = Optional(path, json, "num_key_value_heads", heads),
                HeadDim = json["head_dim"] is null ? null : Required<int>(path, json, "head_dim"),
            },
        };
    }

    private static AttentionOptions Attention(string path, JsonObject json)
    {
        try
        {
            return json["attention"].Deserialize<AttentionOptions>(AttentionJson) ?? throw new JsonException("it is missing");
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"\"{path}\": \"attention\" cannot be read: {e.Message.Split('\n')[0]}", e);
        }
    }

    // Transformers 4 writes rope_theta; Transformers 5 writes rope_parameters { rope_type, rope_theta }.
    private static double RopeBase(string path, JsonObject json)
    {
        if (json["rope_parameters"] is not JsonObject rope) return Optional(path, json, "rope_theta", 10000.0);
        var kind = Text(rope, "rope_type") ?? "default";
        if (kind != "default") throw new CrossheadException($"\"{path}\": rope_type \"{kind}\" is not supported; supported is default.");
        return Optional(path, rope, "rope_theta", 10000.0);
    }

    private static string? Text(JsonObject json, string key) => json[key]?.GetValueKind() == JsonValueKind.String ? json[key]!.GetValue<string>()
        : json[key]?.GetValueKind() is JsonValueKind.True or JsonValueKind.False ? json[key]!.GetValue<bool>().ToString()
        : json[key]?.ToJsonString();

    private static T Required<T>(string path, JsonObject json, string key) =>
        json[key] is null ? throw new CrossheadException($"\"{path}\" lacks \"{key}\".") : Value<T>(path, json, key);

    private static T Optional<T>(string path, JsonObject json, string key, T otherwise) => json[key] is null ? otherwise : Value<T>(path, json, key);

    private static T Value<T>(string path, JsonObject json, string key)
    {
        try
        {
            return json[key].Deserialize<T>()!;
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"\"{path}\": {key} = {json[key]!.ToJsonString()} is not of type {typeof(T).Name}.", e);
        }
    }
}
