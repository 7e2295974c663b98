namespace Crosshead;

/// <summary>
/// What messages call settings and operations. A message of the library names the member of an option record; a front
/// end calls the same setting by its own name, such as a command-line option (<see cref="Use"/>).
/// </summary>
public static class MessageTerm
{
    private static readonly AsyncLocal<IReadOnlyDictionary<string, string>?> s_names = new();

    /// <summary>Whether a begin token is put before texts.</summary>
    public static string AddBos => Name(nameof(AddBos));

    /// <summary>Whether numbers that are quantised already may be quantised again.</summary>
    public static string AllowRequantize => Name(nameof(AllowRequantize));

    /// <summary>The share of the cache that is kept.</summary>
    public static string CacheShare => Name(nameof(CacheShare));

    /// <summary>How decoding keeps keys and values.</summary>
    public static string CacheType => Name(nameof(CacheType));

    /// <summary>Whether answers must not depend on what is computed beside them.</summary>
    public static string Deterministic => Name(nameof(Deterministic));

    /// <summary>The device to compute on.</summary>
    public static string Device => Name(nameof(Device));

    /// <summary>The precision to compute in.</summary>
    public static string Dtype => Name(nameof(Dtype));

    /// <summary>The folder of the model that a run starts from.</summary>
    public static string From => Name(nameof(From));

    /// <summary>The share of documents that are held out.</summary>
    public static string HeldOutFraction => Name(nameof(HeldOutFraction));

    /// <summary>The layers that are worked on.</summary>
    public static string Layers => Name(nameof(Layers));

    /// <summary>How component heads are fitted.</summary>
    public static string Method => Name(nameof(Method));

    /// <summary>That no responses are kept.</summary>
    public static string NoResponseCache => Name(nameof(NoResponseCache));

    /// <summary>The folder that is written.</summary>
    public static string Folder => Name(nameof(Folder));

    /// <summary>Values of a recipe set last.</summary>
    public static string Overrides => Name(nameof(Overrides));

    /// <summary>Whether what is there is replaced.</summary>
    public static string Overwrite => Name(nameof(Overwrite));

    /// <summary>The folder in which responses are kept.</summary>
    public static string ResponseCache => Name(nameof(ResponseCache));

    /// <summary>Whether an earlier run goes on.</summary>
    public static string Resume => Name(nameof(Resume));

    /// <summary>The folder of the model to learn from.</summary>
    public static string Teacher => Name(nameof(Teacher));

    /// <summary>The number of GPUs that share a model out.</summary>
    public static string TensorParallel => Name(nameof(TensorParallel));

    /// <summary>The text that is read.</summary>
    public static string Text => Name(nameof(Text));

    /// <summary>The number of threads.</summary>
    public static string Threads => Name(nameof(Threads));

    /// <summary>The number of tokens per window.</summary>
    public static string Window => Name(nameof(Window));

    /// <summary>Turning text into token shards.</summary>
    public static string DataPreparation => Name(nameof(DataPreparation));

    /// <summary>Measuring how sensitive a model is to each piece of its cache.</summary>
    public static string Profiler => Name(nameof(Profiler));

    /// <summary>Training a tokenizer.</summary>
    public static string BpeTrainer => Name(nameof(BpeTrainer));

    /// <summary>Checking a model's weights.</summary>
    public static string Verification => Name(nameof(Verification));

    /// <summary>
    /// Gives settings and operations other names, in messages that are made until the result is disposed, by this call
    /// and what it starts.
    /// </summary>
    /// <param name="names">From a member of this class to what it is called.</param>
    public static IDisposable Use(IReadOnlyDictionary<string, string> names)
    {
        var before = s_names.Value;
        s_names.Value = names;
        return new Restored(before);
    }

    private static string Name(string member) => s_names.Value?.GetValueOrDefault(member) ?? $"`{member}`";

    private sealed class Restored(IReadOnlyDictionary<string, string>? before) : IDisposable
    {
        public void Dispose() => s_names.Value = before;
    }
}
