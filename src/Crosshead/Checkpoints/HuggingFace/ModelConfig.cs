using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// Converts between <see cref="ModelOptions"/> and Hugging Face's <c>config.json</c>. A model is written in the format
/// of its family if this format can express the whole model. Otherwise it is written as <c>crosshead</c>, with the
/// attention options and the virtual heads besides the family's keys.
/// </summary>
public static class ModelConfig
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The text of <c>config.json</c>.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="dtype">Name of the stored precision, for example <c>float32</c>.</param>
    /// <param name="tokens">The tokens that texts begin and end with; null for none.</param>
    public static string Write(ModelOptions options, string dtype, TextTokens? tokens = null)
    {
        var json = JsonOf(options).Json;
        json["torch_dtype"] = dtype;
        tokens?.Write(json);
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>
    /// How the tensors of a model are stored beside the configuration that <see cref="Write"/> gives.
    /// </summary>
    internal static TensorLayout LayoutOf(ModelOptions options) =>
        JsonOf(options).IsPlain ? new TensorLayout(FamilyTable.Of(options.Family).Tensors, options) : TensorLayout.Own;

    /// <summary>How the tensors beside a configuration are stored.</summary>
    internal static TensorLayout LayoutOf(ConfigValues config, ModelOptions options) =>
        config.Or("model_type", "") == ConfigJson.ModelType ? TensorLayout.Own
            : new TensorLayout(FamilyTable.Of(options.Family).Tensors, options, config);

    /// <summary>How the tensors of a folder are stored; as parameters are, if there is no configuration.</summary>
    internal static TensorLayout LayoutIn(string folder)
    {
        var path = Path.Combine(folder, ModelFileNames.Configuration);
        if (!File.Exists(path)) return TensorLayout.Own;
        var config = Open(path);
        return LayoutOf(config, Parse(config));
    }

    private static (JsonObject Json, bool IsPlain) JsonOf(ModelOptions options)
    {
        var family = FamilyTable.Of(options.Family);
        var (plain, own) = (ModelConfigWriter.Plain(options, family), ModelConfigWriter.Own(options, family));
        // A family can express a model if reading its keys gives the same model.
        var back = ModelConfigReader.Read(ConfigValues.Parse("", plain.ToJsonString()), family, own: false);
        var isPlain = ModelConfigWriter.Own(back, family).ToJsonString() == own.ToJsonString();
        return (isPlain ? plain : own, isPlain);
    }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="CrossheadException">The file is missing, not JSON, of an unknown architecture, or asks for
    /// something that is not supported.</exception>
    public static ModelOptions Read(string path) => Parse(Open(path));

    /// <summary>Reads a file that was named alone, which may be of any other kind.</summary>
    /// <exception cref="CrossheadException">As for <see cref="Read(string)"/>.</exception>
    internal static ModelOptions ReadAlone(string path) =>
        Parse(ImageModels.TextOf(ConfigValues.Read(path, ModelFileNames.NameShape)));

    /// <summary>The keys of a <c>config.json</c>: of the text model, if it also reads images.</summary>
    /// <exception cref="CrossheadException">The file is missing, or not a JSON object.</exception>
    internal static ConfigValues Open(string path) => ImageModels.TextOf(ConfigValues.Read(path));

    /// <summary>Reads the text of a <c>config.json</c>.</summary>
    /// <param name="path">What error messages call it.</param>
    /// <param name="text">The text.</param>
    internal static ModelOptions Parse(string path, string text) =>
        Parse(ImageModels.TextOf(ConfigValues.Parse(path, text)));

    /// <summary>The options of a <c>config.json</c> that was read.</summary>
    internal static ModelOptions Parse(ConfigValues config)
    {
        var type = config.Or("model_type", "");
        var own = type == ConfigJson.ModelType;
        var name = own ? config.Or(ConfigJson.BaseModelType, FamilyTable.Of(default).Name) : type;
        if (type.Length == 0) throw config.Invalid($"it lacks \"model_type\", which may be {Supported()}");
        var family = FamilyTable.Find(name) ?? throw config.Error($"{(own ? ConfigJson.BaseModelType : "model_type")} "
            + $"\"{name.Shown()}\" is not supported; supported are {Supported()}");
        RequireArchitecture(config, own ? ConfigJson.Architecture : family.Architecture);
        UnsupportedKeys.Refuse(config, family, own);
        return ModelConfigReader.Read(config, family, own).ValidIn(config.Path);

        string Supported() => string.Join(", ", own ? FamilyTable.Names : [.. FamilyTable.Names, .. ImageModels.Names,
            ConfigJson.ModelType]);
    }

    // A model with another head (a classifier, a bare encoder) has another architecture under the same model_type.
    private static void RequireArchitecture(ConfigValues config, string supported)
    {
        if (config.Or<string?[]>("architectures", [])
            .Any(a => !supported.Equals(a, StringComparison.OrdinalIgnoreCase)))
            throw config.Error($"{config.Shown("architectures")} is not supported; supported is {supported}");
    }
}
