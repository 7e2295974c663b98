using Crosshead.Model;

namespace Crosshead.Generation.Cpu;

/// <summary>What a decoder works with during a pass, apart from attention.</summary>
internal sealed class DecodeScratch : IDisposable
{
    /// <summary>Takes the memory.</summary>
    public DecodeScratch(ModelOptions options, int members)
    {
        const int rows = DecodePass.MaxRows;
        Hidden = new Rows(rows, options.HiddenSize);
        Normed = [.. Enumerable.Range(0, members).Select(_ => new Rows(rows, options.HiddenSize))];
        Delta = new Rows(rows, options.HiddenSize);
        Gate = new Rows(rows, options.FeedForward);
        Up = new Rows(rows, options.FeedForward);
    }

    /// <summary>[row]: the residual stream.</summary>
    public Rows Hidden { get; }

    /// <summary>[member][row]: the normed stream. Every thread norms for itself, which is quicker than to wait for another.</summary>
    public Rows[] Normed { get; }

    /// <summary>[row]: what a layer adds to the stream.</summary>
    public Rows Delta { get; }

    /// <summary>[row]: inside the feed-forward layer.</summary>
    public Rows Gate { get; }

    /// <summary>[row]: inside the feed-forward layer.</summary>
    public Rows Up { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Hidden.Dispose();
        foreach (var rows in Normed) rows.Dispose();
        Delta.Dispose();
        Gate.Dispose();
        Up.Dispose();
    }
}
