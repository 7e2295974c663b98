namespace Crosshead.Cli.Terminal;

/// <summary>The command line's names for settings and operations in messages of the library.</summary>
internal static class OptionNames
{
    /// <summary>Maps members of <see cref="MessageTerm"/> to options and commands.</summary>
    public static IReadOnlyDictionary<string, string> Table { get; } = new Dictionary<string, string>
    {
        [nameof(MessageTerm.AddBos)] = "--add-bos",
        [nameof(MessageTerm.AllowRequantize)] = "crosshead quantize --allow-requantize",
        [nameof(MessageTerm.CacheType)] = "--cache-type",
        [nameof(MessageTerm.Deterministic)] = "--deterministic",
        [nameof(MessageTerm.CacheShare)] = "--cache",
        [nameof(MessageTerm.Device)] = "--device",
        [nameof(MessageTerm.Dtype)] = "--dtype",
        [nameof(MessageTerm.Folder)] = "--out",
        [nameof(MessageTerm.From)] = "--from",
        [nameof(MessageTerm.HeldOutFraction)] = "--held-out",
        [nameof(MessageTerm.Layers)] = "--layers",
        [nameof(MessageTerm.Method)] = "--method",
        [nameof(MessageTerm.NoResponseCache)] = "--no-cache",
        [nameof(MessageTerm.Overrides)] = "--set",
        [nameof(MessageTerm.Overwrite)] = "--overwrite",
        [nameof(MessageTerm.ResponseCache)] = "--cache",
        [nameof(MessageTerm.Resume)] = "--resume",
        [nameof(MessageTerm.Teacher)] = "--teacher",
        [nameof(MessageTerm.TensorParallel)] = "--tensor-parallel",
        [nameof(MessageTerm.Text)] = "--text FILE",
        [nameof(MessageTerm.Threads)] = "--threads",
        [nameof(MessageTerm.Window)] = "--window",
        [nameof(MessageTerm.BpeTrainer)] = "crosshead tokenizer train",
        [nameof(MessageTerm.DataPreparation)] = "crosshead data prepare INPUT --tokenizer tokenizer.json --out FOLDER",
        [nameof(MessageTerm.Profiler)] = "crosshead profile MODEL --text FILE --out FILE",
        [nameof(MessageTerm.Verification)] = "crosshead verify",
    };
}
