using System.Security.Cryptography;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>
/// Measures what each piece of the cache costs: the loss with the keys, or the values, of one layer compressed to one size,
/// everything else whole. A layer's pieces start from the residual stream before it, which is computed once.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="calibration">Statistics for the fits.</param>
/// <param name="windows">The text to measure on.</param>
/// <param name="batch">Windows at once.</param>
public sealed class Profiler(LanguageModel model, Calibration calibration, TokenWindows windows, int batch)
{
    /// <summary>Sizes of the values that are tried, between none and whole heads.</summary>
    public const int ValueSteps = 16;

    private int Groups => model.Options.Attention.Groups;

    private int HeadDim => model.Options.HeadDim;

    /// <summary>Pieces a layer.</summary>
    public int PiecesPerLayer => (2 * (Groups - 1)) + (Groups - 1) + Ranks.Count();

    private IEnumerable<int> Ranks
    {
        get
        {
            var whole = Groups * HeadDim;
            var step = Math.Max(1, whole / ValueSteps);
            return Enumerable.Range(1, ((whole + step - 1) / step) - 1).Select(n => n * step);
        }
    }

    /// <summary>Names a model's key and value weights.</summary>
    public static string Fingerprint(LanguageModel model)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var parameter in model.Parameters.Where(p => p.Name.Contains(".self_attn.", StringComparison.Ordinal)))
        {
            using var inner = NewDisposeScope();
            var value = parameter.Value.detach().to(ScalarType.Float64);
            hash.AppendData(BitConverter.GetBytes(value.sum().item<double>()));
            hash.AppendData(BitConverter.GetBytes(value.square().sum().item<double>()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>Measures all layers, or those that <paramref name="begun"/> lacks.</summary>
    /// <param name="text">Names the text.</param>
    /// <param name="begun">A profile that was interrupted; null for none.</param>
    /// <param name="save">Called after each layer with what there is.</param>
    /// <param name="progress">Told the pieces done, of this and earlier runs.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <exception cref="CrossheadException">The begun profile is of another model or text.</exception>
    public Profile Run(string text, Profile? begun = null, Action<Profile>? save = null, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        using var grad = no_grad();
        var profile = new Profile
        {
            Model = Fingerprint(model),
            Text = text,
            Groups = Groups,
            HeadDim = HeadDim,
            LayerCount = model.Options.Layers,
            BaseLoss = WindowLoss.Measure(model, windows, batch, null, cancellation),
        };
        if (begun is not null)
        {
            if (begun.Model != profile.Model || begun.Text != profile.Text)
                throw new CrossheadException($"the profile that was begun is of another {(begun.Model != profile.Model ? $"model ({begun.Model}, not {profile.Model})" : $"text ({begun.Text}, not {profile.Text})")}; write to another file.");
            profile = profile with { Layers = begun.Layers };
        }
        using var streams = new Streams(model, windows, batch);
        for (var layer = 0; layer < profile.LayerCount; layer++)
        {
            if (layer >= profile.Layers.Count)
            {
                var done = layer * PiecesPerLayer;
                profile = profile with { Layers = [.. profile.Layers, Measure(layer, streams, profile.BaseLoss, done, progress, cancellation)] };
                save?.Invoke(profile);
            }
            if (layer + 1 < profile.LayerCount) streams.Advance(layer, cancellation);
        }
        return profile;
    }

    private LayerProfile Measure(int layer, Streams streams, double baseLoss, int before, IProgress<long>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var fit = PieceFit.Of(model, layer, calibration);
        var pieces = Enumerable.Range(1, Groups - 1).SelectMany(c => new[]
        {
            new Piece(true, CompressionMethod.Svd, c, c * HeadDim), new Piece(true, CompressionMethod.Fine, c, c * HeadDim),
            new Piece(false, CompressionMethod.Svd, c * HeadDim, c * HeadDim),
        }).Concat(Ranks.Select(r => new Piece(false, CompressionMethod.Fine, r, r))).ToArray();
        var losses = new double[pieces.Length];
        var done = before;
        for (var i = 0; i < pieces.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            var piece = pieces[i];
            using var attention = CompressedLayer.Create(model, layer,
                piece.OfKeys ? fit.Keys(piece.Method, piece.Size) : null, piece.OfKeys ? null : fit.Values(piece.Method, piece.Size));
            losses[i] = streams.LossFrom(layer, attention.Attention, cancellation) - baseLoss;
            progress?.Report(++done);
        }
        var measured = pieces.Zip(losses, (p, loss) => (p.OfKeys, Piece: new ProfiledPiece(p.Method, p.Size, p.Numbers, loss))).ToArray();
        return new LayerProfile(layer, [.. measured.Where(m => m.OfKeys).Select(m => m.Piece)], [.. measured.Where(m => !m.OfKeys).Select(m => m.Piece)]);
    }

    private sealed record Piece(bool OfKeys, CompressionMethod Method, int Size, int Numbers);
}
