using Crosshead.Decoding.Cpu;

namespace Crosshead.Benchmarks.Llama;

/// <summary>llama.cpp, by the C interface of a build in a folder.</summary>
internal sealed unsafe class LlamaLibraryEngine : BatchEngine
{
    private const int MostTokens = 512; // of a batch

    private readonly LlamaLibrary _library;
    private readonly nint _context;
    private readonly int[] _lengths;

    // Of a batch: ids, positions, numbers of sequences and sequences of the tokens.
    private readonly NativeBuffer<int> _words = new(4 * MostTokens);
    private readonly NativeBuffer<nint> _places = new(MostTokens); // of each token's sequence
    private readonly NativeBuffer<byte> _wanted = new(MostTokens);
    private Batch _batch;

    /// <summary>Prepares to compute.</summary>
    /// <param name="library">The library with the model.</param>
    /// <param name="sequences">Sequences.</param>
    /// <param name="capacity">Most tokens of each.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="exact">As for <see cref="LlamaEngine"/>.</param>
    /// <param name="flash">Whether flash attention is used; null for the library's choice.</param>
    public LlamaLibraryEngine(LlamaLibrary library, int sequences, int capacity, int threads, bool exact, bool? flash)
        : base(sequences)
    {
        _library = library;
        _context = library.NewContext((capacity + 255) / 256 * 256 * sequences, sequences, MostTokens, threads, exact,
            exact ? false : flash);
        _lengths = new int[sequences];
        _batch = new Batch
        {
            Ids = _words.Pointer,
            Embeddings = null,
            Positions = _words.Pointer + MostTokens,
            SequenceCounts = _words.Pointer + (2 * MostTokens),
            Sequences = (int**)_places.Pointer,
            Wanted = _wanted.Pointer,
        };
    }

    public override ReadOnlySpan<float> Logits(int sequence) =>
        new(((delegate* unmanaged<nint, int, float*>)_library.Of("llama_get_logits_ith"))(_context, sequence),
            _library.VocabularySize);

    public override void Dispose()
    {
        ((delegate* unmanaged<nint, void>)_library.Of("llama_free"))(_context);
        _words.Dispose();
        _places.Dispose();
        _wanted.Dispose();
    }

    protected override void Prefill(int[][] prompts)
    {
        for (var s = 0; s < prompts.Length; s++)
            foreach (var piece in prompts[s].Chunk(MostTokens))
            {
                foreach (var id in piece) Add(s, id, wanted: _lengths[s] == prompts[s].Length - 1);
                Run();
            }
    }

    protected override void Step(int[] ids)
    {
        for (var s = 0; s < ids.Length; s++) Add(s, ids[s], wanted: true);
        Run();
    }

    protected override void Rewind(int tokens)
    {
        var memory = ((delegate* unmanaged<nint, nint>)_library.Of("llama_get_memory"))(_context);
        for (var s = 0; s < _lengths.Length; s++)
        {
            _lengths[s] -= tokens;
            if (((delegate* unmanaged<nint, int, int, int, byte>)_library.Of("llama_memory_seq_rm"))(memory, s,
                _lengths[s], -1) == 0)
                throw new CrossheadException("llama.cpp does not forget tokens.");
        }
    }

    private void Add(int sequence, int id, bool wanted)
    {
        var i = _batch.Count++;
        var own = _words.Pointer + (3 * MostTokens) + i;
        (_batch.Ids[i], _batch.Positions[i], _batch.SequenceCounts[i], *own) = (id, _lengths[sequence]++, 1, sequence);
        _batch.Sequences[i] = own;
        _batch.Wanted[i] = wanted ? (byte)1 : (byte)0;
    }

    private void Run()
    {
        var result = ((delegate* unmanaged<nint, Batch, int>)_library.Of("llama_decode"))(_context, _batch);
        _batch.Count = 0;
        if (result != 0) throw new CrossheadException($"llama.cpp answers {result}.");
        ((delegate* unmanaged<nint, void>)_library.Of("llama_synchronize"))(_context);
    }

    // llama_batch
    private struct Batch
    {
        public int Count;
        public int* Ids;
        public float* Embeddings;
        public int* Positions;
        public int* SequenceCounts;
        public int** Sequences;
        public byte* Wanted;
    }
}
