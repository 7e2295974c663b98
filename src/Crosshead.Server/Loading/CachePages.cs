using Crosshead.Runtime.Cuda;

namespace Crosshead.Server.Loading;

/// <summary>How many pages the cache of a served model has.</summary>
internal static class CachePages
{
    /// <summary>Tokens per page.</summary>
    public const int Tokens = 64;

    /// <summary>The number of pages.</summary>
    /// <param name="options">The wishes.</param>
    /// <param name="context">Most tokens of a sequence.</param>
    /// <param name="bytesPerToken">Bytes that decoding keeps of each token.</param>
    /// <exception cref="CrossheadException">Not one page fits, or not the context asked for, or the memory is more than
    /// there is.</exception>
    public static int Count(LoadOptions options, int context, long bytesPerToken)
    {
        if (options.CacheMemory is { } asked && FreeMemory.Most(options.Device) is var most && asked > most)
            throw new CrossheadException($"the cache may have {Quantity.Bytes(asked)}, and this process can have "
                + $"{Quantity.Bytes(most)} of memory at most; give it less (--cache-memory).");
        var bytesPerPage = bytesPerToken * Tokens;
        // A page more than a full sequence has: one that is being filled beside a prefix that is shared.
        var wanted = options.MaxSequences * (Quotient(context, Tokens) + 1);
        var memory = options.CacheMemory ?? FreeMemory.ForCache(options.Device, options.TensorParallel);
        var pages = options.CacheMemory is null ? Math.Min(wanted, memory / bytesPerPage) : memory / bytesPerPage;
        if (pages < 1)
            throw new CrossheadException($"the cache may have {Quantity.Bytes(memory)}, and a page of {Tokens} tokens "
                + $"takes {Quantity.Bytes(bytesPerPage)}; give it more memory (--cache-memory).");
        if (options.Engine.MaxContext is not null && pages * Tokens < context)
            throw new CrossheadException($"a context of {context} tokens (--max-context) takes "
                + $"{Quantity.Bytes(Quotient(context, Tokens) * bytesPerPage)} of cache, which may have "
                + $"{Quantity.Bytes(memory)}; ask for at most {pages * Tokens}, or give it more memory "
                + "(--cache-memory).");
        return (int)Math.Min(pages, int.MaxValue / Tokens);
    }

    private static long Quotient(long value, long divisor) => (value + divisor - 1) / divisor;
}
