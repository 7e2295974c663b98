using LLama;
using LLama.Common;
using LLama.Native;

namespace Crosshead.Benchmarks.Llama;

/// <summary>llama.cpp, by LLamaSharp.</summary>
internal sealed class LlamaEngine : BatchEngine
{
    private const int MostTokens = 512; // of a batch

    private readonly LLamaContext _context;
    private readonly LLamaBatch _batch = new();
    private readonly int[] _lengths;

    /// <summary>Prepares to compute.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="file">Its file.</param>
    /// <param name="sequences">Sequences.</param>
    /// <param name="capacity">Most tokens of each.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="exact">A cache in float32 and attention without approximation, in place of llama.cpp's own
    /// choice, which is half precision.</param>
    /// <param name="flash">Whether flash attention is used; null for llama.cpp's choice.</param>
    public LlamaEngine(LLamaWeights weights, string file, int sequences, int capacity, int threads, bool exact,
        bool? flash) : base(sequences)
    {
        var parameters = new ModelParams(file)
        {
            ContextSize = (uint)((capacity + 255) / 256 * 256 * sequences),
            SeqMax = (uint)sequences,
            Threads = threads,
            BatchThreads = threads,
            BatchSize = MostTokens,
            UBatchSize = MostTokens,
            KVUnified = false,
        };
        if (flash is { } uses) parameters.FlashAttention = uses;
        if (exact)
        {
            (parameters.TypeK, parameters.TypeV) = (GGMLType.GGML_TYPE_F32, GGMLType.GGML_TYPE_F32);
            parameters.FlashAttention = false;
        }
        _context = weights.CreateContext(parameters);
        _lengths = new int[sequences];
    }

    /// <summary>
    /// Loads the library, without its log. Call before Crosshead loads libtorch: Crosshead then sets how long OpenMP's
    /// threads wait, and llama.cpp is to keep its own setting.
    /// </summary>
    public static void Load()
    {
        NativeLibraryConfig.All.WithLogCallback((_, _) => { });
        NativeApi.llama_empty_call();
    }

    public override ReadOnlySpan<float> Logits(int sequence) => _context.NativeHandle.GetLogitsIth(sequence);

    public override void Dispose() => _context.Dispose();

    protected override void Prefill(int[][] prompts)
    {
        for (var s = 0; s < prompts.Length; s++)
            foreach (var piece in prompts[s].Chunk(MostTokens))
            {
                _batch.Clear();
                foreach (var id in piece) Add(s, id, wanted: _lengths[s] == prompts[s].Length - 1);
                Run();
            }
    }

    protected override void Step(int[] ids)
    {
        _batch.Clear();
        for (var s = 0; s < ids.Length; s++) Add(s, ids[s], wanted: true);
        Run();
    }

    protected override void Rewind(int tokens)
    {
        for (var s = 0; s < _lengths.Length; s++)
        {
            _lengths[s] -= tokens;
            _context.NativeHandle.MemorySequenceRemove((LLamaSeqId)s, _lengths[s], -1);
        }
    }

    private void Add(int sequence, int id, bool wanted) =>
        _batch.Add(id, _lengths[sequence]++, (LLamaSeqId)sequence, wanted);

    private void Run()
    {
        var result = _context.NativeHandle.Decode(_batch);
        if (result != DecodeResult.Ok) throw new CrossheadException($"llama.cpp answers {result}.");
        _context.NativeHandle.Synchronize();
    }
}
