using Crosshead.Attention;
using Crosshead.Compression.Fits;
using Crosshead.Model;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Compression.Search;

/// <summary>
/// Measures the loss with the keys, or the values, of one layer at another size and everything else unchanged. The
/// residual stream before a layer is computed once for all pieces of the layer.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="calibration">Statistics for the fits.</param>
/// <param name="windows">The text to measure on.</param>
/// <param name="batch">Number of windows computed at once.</param>
public sealed class Profiler(LanguageModel model, Calibration calibration, TokenWindows windows, int batch)
{
    private readonly PlainCache _cache = PlainCache.Of(model.Options);

    /// <summary>The ranks that share the pieces. All must measure the same, and all get the same losses.</summary>
    public ICommunicator Communicator { get; init; } = Alone.Instance;

    /// <summary>Returns the number of pieces per layer for the given methods.</summary>
    public static int PiecesPerLayer(ModelOptions model, IReadOnlyCollection<CompressionMethod> methods) =>
        Piece.All(PlainCache.Of(model), Methods(model, methods)).Count();

    /// <summary>
    /// Measures every piece of every layer by itself. Layers in <paramref name="begun"/> are not measured again.
    /// </summary>
    /// <param name="source">Identifies the model and the text.</param>
    /// <param name="methods">The methods whose fits are tried.</param>
    /// <param name="begun">An unfinished profile to continue; null for none.</param>
    /// <param name="save">Called after each layer with the profile so far.</param>
    /// <param name="progress">Receives the number of measured pieces, including those of earlier runs.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="CrossheadException">The begun profile is of another model or text, or the model's own loss is
    /// not finite.</exception>
    public Profile Run(ProfileSource source, IReadOnlyCollection<CompressionMethod> methods, Profile? begun = null,
        Action<Profile>? save = null, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        using var grad = no_grad();
        var profile = NewProfile(source, WindowLoss.Measure(model, windows, batch, null, cancellation));
        if (!double.IsFinite(profile.BaseLoss))
            throw new CrossheadException($"the model's own loss on the text is {profile.BaseLoss}; its weights are "
                + $"damaged or out of range, check them with: {MessageTerm.Verification}.");
        if (begun is not null)
        {
            source.RequireSame(begun.Source, "the profile that was begun");
            profile = profile with { Layers = begun.Layers };
        }
        var pieces = Piece.All(_cache, Methods(model.Options, methods)).ToArray();
        var done = (long)profile.Layers.Count * pieces.Length;
        using var streams = new ResidualStates(model, windows, batch);
        var meter = new PieceMeter(model, calibration, streams, Communicator);
        for (var layer = 0; layer < profile.LayerCount; layer++)
        {
            if (layer >= profile.Layers.Count)
            {
                var losses = meter.Losses(layer, pieces, null, () => progress?.Report(++done), cancellation);
                profile = profile with { Layers = [.. profile.Layers, Layer(layer, pieces, losses, profile.BaseLoss)] };
                save?.Invoke(profile);
            }
            if (layer + 1 < profile.LayerCount) streams.Advance(layer, cancellation);
        }
        return profile;
    }

    /// <summary>
    /// Measures each piece of the chosen layers within a plan, with all other pieces as in the plan. Increases add up
    /// only if they are small. Around a plan they show which exchange of sizes improves the plan.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="compressed">The compressed model of the plan.</param>
    /// <param name="loss">The compressed model's loss on the text.</param>
    /// <param name="method">The method whose fits are tried.</param>
    /// <param name="chosen">The layers to measure.</param>
    /// <param name="progress">Receives the number of measured pieces.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public Profile Around(CompressionPlan plan, LanguageModel compressed, double loss, CompressionMethod method,
        IReadOnlyCollection<int> chosen, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        using var grad = no_grad();
        Piece[] pieces =
        [
            .. Piece.All(_cache, method),
            Piece.Whole(true, method, _cache),
            Piece.Whole(false, method, _cache),
        ];
        using var streams = new ResidualStates(compressed, windows, batch);
        var meter = new PieceMeter(model, calibration, streams, Communicator);
        var (layers, done) = (new List<LayerProfile>(), 0L);
        for (var layer = 0; layer < model.Options.Layers; layer++)
        {
            layers.Add(chosen.Contains(layer)
                ? Layer(layer, pieces,
                    meter.Losses(layer, pieces, plan.Layers[layer], () => progress?.Report(++done), cancellation), loss)
                : new LayerProfile(layer, [], []));
            if (layer + 1 < model.Options.Layers) streams.Advance(layer, cancellation);
        }
        return NewProfile(new ProfileSource("", ""), loss) with { Layers = layers };
    }

    /// <summary>Checks that a model can be profiled with fits that are calibrated on a text.</summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="calibrate">The text for calibration.</param>
    /// <exception cref="CrossheadException">The model's attention has no components, or the text is too
    /// short.</exception>
    public static void Require(ModelOptions model, TokenWindows calibrate)
    {
        VirtualHeads.RequireComponents(model.Attention);
        Calibration.Require(model, calibrate);
    }

    // Latent vectors have no heads, which the paper's method is for.
    private static CompressionMethod[] Methods(ModelOptions model, IReadOnlyCollection<CompressionMethod> methods) =>
        [.. methods.Where(m => model.Attention.Latent is null || m != CompressionMethod.Svd)];

    private Profile NewProfile(ProfileSource source, double loss) => new()
    {
        Source = source,
        Groups = model.Options.Attention.Groups,
        HeadDim = model.Options.HeadDim,
        LatentRank = model.Options.Attention.Latent?.Rank,
        LayerCount = model.Options.Layers,
        BaseLoss = loss,
    };

    private static LayerProfile Layer(int layer, Piece[] pieces, double[] losses, double baseLoss)
    {
        var measured = pieces.Zip(losses, (p, loss) => (p.OfKeys, Piece: new ProfiledPiece(p.Method, p.Size, p.Numbers,
            loss - baseLoss))).ToLookup(m => m.OfKeys, m => m.Piece);
        return new LayerProfile(layer, [.. measured[true]], [.. measured[false]]);
    }
}
