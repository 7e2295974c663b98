using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;

namespace Crosshead.Benchmarks.Llama;

/// <summary>Crosshead's decoder for processors over a cache of pages, as the server uses it.</summary>
internal sealed class CrossheadEngine : BatchEngine
{
    private readonly CpuDecoder _decoder;
    private readonly DecodeBatch _batch;
    private readonly IPageStore _cache;
    private readonly int[][] _pages; // of each sequence

    public CrossheadEngine(CpuWeights weights, int sequences, int capacity, int threads) : base(sequences)
    {
        var each = PageTables.PagesFor(capacity);
        _decoder = new CpuDecoder(weights, sequences, capacity, threads, sequences * each);
        _cache = (IPageStore)_decoder.Cache;
        _batch = new DecodeBatch(_decoder);
        _pages = [.. Enumerable.Range(0, sequences).Select(s => Enumerable.Range(s * each, each).ToArray())];
        for (var s = 0; s < sequences; s++) _cache.Place(s, _pages[s], 0);
    }

    public override ReadOnlySpan<float> Logits(int sequence) => _batch.Logits(sequence);

    public override void Dispose() => _decoder.Dispose();

    protected override void Prefill(int[][] prompts) => _batch.Prefill(prompts, chunk: 512);

    protected override void Step(int[] ids) => _batch.Step(ids);

    protected override void Rewind(int tokens)
    {
        for (var s = 0; s < _pages.Length; s++) _cache.Place(s, _pages[s], _cache.LengthOf(s) - tokens);
    }
}
