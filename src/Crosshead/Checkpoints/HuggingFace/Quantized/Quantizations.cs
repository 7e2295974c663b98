namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>The <c>quantization_config</c> of a <c>config.json</c>.</summary>
internal static class Quantizations
{
    private const string Key = "quantization_config";

    private static readonly Dictionary<string, Func<ConfigValues, IQuantization>> Methods = new()
    {
        ["awq"] = AwqQuantization.Read,
        ["compressed-tensors"] = CompressedTensors.Read,
        ["fp8"] = Float8Quantization.Read,
        ["gptq"] = GptqQuantization.Read,
        ["mxfp4"] = Mxfp4Quantization.Read,
    };

    /// <summary>How the weights beside a configuration are quantised; null if they are not.</summary>
    /// <exception cref="CrossheadException">The method, or one of its settings, is not supported.</exception>
    public static IQuantization? Of(ConfigValues config)
    {
        if (config.Child(Key) is not { } values) return null;
        var method = values.Required<string>("quant_method");
        return Methods.TryGetValue(method, out var read) ? read(values)
            : throw NotSupported(values, "quant_method", string.Join(", ", Methods.Keys));
    }

    /// <summary>How the weights of a folder are quantised; null if they are not, or there is no
    /// configuration.</summary>
    /// <exception cref="CrossheadException">The method, or one of its settings, is not supported.</exception>
    public static IQuantization? In(string folder)
    {
        var path = Path.Combine(folder, ModelFileNames.Configuration);
        return File.Exists(path) ? Of(ConfigValues.Read(path)) : null;
    }

    /// <summary>What a user must know: a sentence.</summary>
    public static string Remark(IQuantization quantization) =>
        $"The weights are quantised ({quantization.Description}); they are used as the floating-point numbers "
            + "that they stand for"
            + (quantization.Unquantized.Count == 0 ? "."
                : $". The configuration also quantises {string.Join(" and ", quantization.Unquantized)}, which are not "
                + $"quantised here.");

    /// <summary>The error for a setting that is not supported.</summary>
    public static CrossheadException NotSupported(ConfigValues values, string key, string supported) =>
        values.Error($"{Key}: {values.Shown(key)} is not supported; supported is {supported}");
}
