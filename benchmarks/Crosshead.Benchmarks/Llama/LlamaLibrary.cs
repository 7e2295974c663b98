using System.Runtime.InteropServices;

namespace Crosshead.Benchmarks.Llama;

/// <summary>
/// A build of llama.cpp in a folder of its own, by its C interface, with a model. It cannot share a process with the
/// build that LLamaSharp brings, because their libraries have the same names. Structures of parameters are the
/// library's defaults, changed at places that are checked: releases differ.
/// </summary>
internal sealed unsafe class LlamaLibrary : IDisposable
{
    // Places in llama_context_params, counted in words of 32 bits. Some releases have one word more before the threads.
    private const int Tokens = 0, Batch = 1, PhysicalBatch = 2, Sequences = 3, BeforeThreads = 6, Flash = 12,
        KeyType = 26, ValueType = 27;

    private const int Half = 1, Automatic = -1; // a type of ggml, and a choice about flash attention

    private readonly nint _llama;
    private readonly nint _model;

    /// <summary>Loads the library and the model.</summary>
    /// <param name="folder">The folder of the libraries.</param>
    /// <param name="file">The model.</param>
    /// <exception cref="CrossheadException">Something is not there or does not load.</exception>
    public LlamaLibrary(string folder, string file)
    {
        NativeLibrary.Load(Find(folder, "libggml-base*"));
        var ggml = NativeLibrary.Load(Find(folder, "libggml.*"));
        _llama = NativeLibrary.Load(Find(folder, "libllama.*"));
        ((delegate* unmanaged<delegate* unmanaged<int, byte*, void*, void>, void*, void>)Of("llama_log_set"))(&Ignore,
            null);
        // It chooses the library of this processor.
        var text = Marshal.StringToCoTaskMemUTF8(Path.GetFullPath(folder));
        ((delegate* unmanaged<nint, void>)NativeLibrary.GetExport(ggml, "ggml_backend_load_all_from_path"))(text);
        Marshal.FreeCoTaskMem(text);
        ((delegate* unmanaged<void>)Of("llama_backend_init"))();
        text = Marshal.StringToCoTaskMemUTF8(file);
        _model = ((delegate* unmanaged<nint, Parameters, nint>)Of("llama_model_load_from_file"))(text,
            Defaults("model"));
        Marshal.FreeCoTaskMem(text);
        if (_model == 0) throw new CrossheadException($"The library in {folder} does not load {file}.");
        var vocabulary = ((delegate* unmanaged<nint, nint>)Of("llama_model_get_vocab"))(_model);
        VocabularySize = ((delegate* unmanaged<nint, int>)Of("llama_vocab_n_tokens"))(vocabulary);
    }

    /// <summary>Number of token ids.</summary>
    public int VocabularySize { get; }

    /// <summary>The address of a function.</summary>
    public nint Of(string name) => NativeLibrary.GetExport(_llama, name);

    /// <summary>Makes a context.</summary>
    /// <param name="tokens">Tokens of all sequences together.</param>
    /// <param name="sequences">Sequences.</param>
    /// <param name="batch">Most tokens of a batch.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="exact">A cache in float32 in place of half precision.</param>
    /// <param name="flash">Whether flash attention is used; null for the library's choice.</param>
    public nint NewContext(int tokens, int sequences, int batch, int threads, bool exact, bool? flash)
    {
        var parameters = Defaults("context");
        var words = (int*)parameters.Bytes;
        var threadsAt = words[BeforeThreads] == 1 ? BeforeThreads + 1 : BeforeThreads;
        var flashAt = Flash + threadsAt - BeforeThreads;
        if (words[Batch] != 2048 || words[PhysicalBatch] != 512 || words[Sequences] != 1 || words[threadsAt] != 4
            || words[threadsAt + 1] != 4 || words[flashAt] != Automatic || words[KeyType] != Half
            || words[ValueType] != Half)
            throw new CrossheadException("llama_context_params is laid out otherwise: "
                + string.Join(' ', new ReadOnlySpan<int>(words, 36).ToArray()) + ".");
        (words[Tokens], words[Batch], words[PhysicalBatch], words[Sequences]) = (tokens, batch, batch, sequences);
        (words[threadsAt], words[threadsAt + 1]) = (threads, threads);
        if (exact) (words[KeyType], words[ValueType]) = (0, 0);
        if (flash is { } uses) words[flashAt] = uses ? 1 : 0;
        var context = ((delegate* unmanaged<nint, Parameters, nint>)Of("llama_init_from_model"))(_model, parameters);
        return context != 0 ? context : throw new CrossheadException("llama.cpp makes no context.");
    }

    /// <inheritdoc/>
    public void Dispose() => ((delegate* unmanaged<nint, void>)Of("llama_model_free"))(_model);

    private Parameters Defaults(string what)
    {
        Parameters parameters = default; // returned through memory of the caller
        ((delegate* unmanaged<Parameters*, Parameters*>)Of($"llama_{what}_default_params"))(&parameters);
        return parameters;
    }

    private static string Find(string folder, string pattern) =>
        Directory.Exists(folder) && Directory.GetFiles(folder, pattern) is [var file] ? file
        : throw new CrossheadException($"--library needs a folder with one file {pattern}; {folder} is none.");

    [UnmanagedCallersOnly]
    private static void Ignore(int level, byte* text, void* data)
    {
    }

    // Larger than any of the structures, which are passed in memory.
    private struct Parameters
    {
        public fixed byte Bytes[256];
    }
}
