namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The phases of an attention layer between the input projections and the output projection. The items of a phase are
/// independent of each other. A phase begins when all items of the previous phase are done.
/// </summary>
internal abstract class CachedAttention : IDisposable
{
    /// <summary>Number of phases.</summary>
    public abstract int Phases { get; }

    /// <summary>Plans a pass, before its phases.</summary>
    public abstract void Begin(PassBlock pass);

    /// <summary>Number of items of a phase.</summary>
    public abstract int Items(int phase, PassBlock pass);

    /// <summary>Does some items of a phase.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="pass">The tokens.</param>
    /// <param name="first">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="member">Index of the thread.</param>
    public abstract void Run(int phase, PassBlock pass, int first, int end, int member);

    /// <summary>Lets a member multiply weights by the heads' outputs.</summary>
    /// <param name="input">What it multiplies by.</param>
    /// <param name="rows">Number of tokens.</param>
    public abstract void Give(ProductInput input, int rows);

    /// <summary>Sets a page of the cache to zero.</summary>
    public abstract void ClearPage(int page);

    /// <inheritdoc/>
    public abstract void Dispose();
}
