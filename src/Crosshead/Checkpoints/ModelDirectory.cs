using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// A model on disk: a directory in Hugging Face's layout (<c>config.json</c>, <c>model.safetensors</c> or its shards,
/// <c>tokenizer.json</c>), or a GGUF file, the first one of several. A directory with quantised weights has
/// <c>model.gguf</c> in place of <c>model.safetensors</c>.
/// </summary>
public static class ModelDirectory
{
    /// <summary>Default maximum of weight bytes per file: 5 GB, as in Transformers.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    /// <summary>
    /// Loads a model for training (master precision) or, after <see cref="LanguageModel.Freeze"/>, for inference.
    /// </summary>
    /// <param name="path">The directory or the file.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">A file is missing or contradicts another.</exception>
    public static LanguageModel Load(string path, ScalarType compute = ScalarType.Float32, Device? device = null) =>
        Load(ModelDescription.Of(path), compute, device);

    /// <summary>
    /// Loads a model whose description was read, for training: weights in master precision.
    /// </summary>
    /// <param name="description">What its files say about the model.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are missing, damaged, or not those of the
    /// configuration.</exception>
    public static LanguageModel Load(ModelDescription description, ScalarType compute = ScalarType.Float32,
        Device? device = null)
    {
        var options = description.Options;
        using var weights = description.OpenWeights();
        weights.Check(options); // before a configuration that is damaged or of another model takes memory
        return Filled(new LanguageModel(options, compute, device), weights);
    }

    /// <summary>
    /// Loads a model that is not trained, but measured or compressed. Weights that a GGUF file has quantised stay as
    /// they are, and where they lie; with them all weights of the file. Without such weights it is
    /// <see cref="Load(ModelDescription, ScalarType, Device)"/>.
    /// </summary>
    /// <param name="description">What its files say about the model.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are missing, damaged, or not those of the
    /// configuration.</exception>
    public static LanguageModel LoadInPlace(ModelDescription description, ScalarType compute = ScalarType.Float32,
        Device? device = null)
    {
        var options = description.Options;
        using var weights = description.OpenWeights();
        weights.Check(options);
        LibTorch.EnsureLoaded();
        return Filled(weights is GgufWeights { AreQuantized: true }
            ? LanguageModel.Over(options, compute, device, weights.Stored(options, device), Precision.MasterOf(compute))
            : new LanguageModel(options, compute, device), weights);
    }

    /// <summary>
    /// Loads a model for inference only: weights directly in the precision of the computation, mixes merged, no
    /// gradients.
    /// </summary>
    /// <param name="path">The directory or the file.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">A file is missing or contradicts another.</exception>
    public static LanguageModel LoadFrozen(string path, ScalarType type, Device? device = null) =>
        LoadFrozen(ModelDescription.Of(path), type, device);

    /// <summary>Loads a model whose description was read, for inference only.</summary>
    /// <param name="description">What its files say about the model.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are missing, damaged, or not those of the
    /// configuration.</exception>
    public static LanguageModel LoadFrozen(ModelDescription description, ScalarType type, Device? device = null)
    {
        LibTorch.EnsureLoaded();
        return LoadFrozen(description, type, device, null);
    }

    /// <summary>
    /// The same for a part of the model; null for all of it. On the CPU this does not load libtorch, unless weights
    /// have to be copied.
    /// </summary>
    internal static LanguageModel LoadFrozen(ModelDescription description, ScalarType type, Device? device,
        ModelPart? part)
    {
        using var weights = description.OpenWeights();
        weights.Check(description.Options);
        if (part is null && device is null or { type: DeviceType.CPU }) weights.BeginCheck(FirstLook.InMap);
        var model = Begin(description, type, device, part, weights);
        try
        {
            weights.RequireFinite();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes a model for inference of weights that are perhaps not finite: that must be asked next, see
    /// <see cref="IModelWeights.RequireFinite"/>.
    /// </summary>
    /// <param name="description">What its files say about the model.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <param name="part">The part of the model; null for all of it.</param>
    /// <param name="weights">Its weights, which were checked against the description.</param>
    internal static LanguageModel Begin(ModelDescription description, ScalarType type, Device? device, ModelPart? part,
        IModelWeights weights)
    {
        var stored = weights.Stored(description.Options, device);
        var model = part is null ? LanguageModel.Over(description.Options, type, device, stored)
            : LanguageModel.Of(part, type, device, stored);
        try
        {
            weights.CopyTo(model);
            model.Freeze(type);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Checks that a model's weights fit its configuration. It reads only headers, whatever the size of the model.
    /// </summary>
    /// <param name="path">The directory or the file.</param>
    /// <returns>What its files say about the model.</returns>
    /// <exception cref="CrossheadException">A file is missing, damaged, or contradicts another.</exception>
    public static ModelDescription Check(string path)
    {
        var description = ModelDescription.Of(path);
        Check(description);
        return description;
    }

    /// <summary>Checks that the weights of a model fit what was read about it.</summary>
    internal static void Check(ModelDescription description)
    {
        using var weights = description.OpenWeights();
        weights.Check(description.Options);
    }

    /// <summary>
    /// Refuses a folder that a new model may not take the place of: a file, a folder that holds anything but a model,
    /// or a model that may not be replaced.
    /// </summary>
    /// <param name="folder">The folder, which need not exist.</param>
    /// <param name="overwrite">Whether a model that is there may be replaced.</param>
    /// <param name="name">What messages call the setting that names the folder; null for <c>folder</c>.</param>
    /// <exception cref="CrossheadException">The folder cannot be used; nothing was changed.</exception>
    public static void RequireReplaceable(string folder, bool overwrite, string? name = null)
    {
        var what = $"{name ?? MessageTerm.Folder} \"{folder}\"";
        NewFolder.RefuseFile(what, folder);
        if (!Directory.Exists(folder) || !Directory.EnumerateFileSystemEntries(folder).Any()) return;
        if (!overwrite)
            throw new CrossheadException(
                $"{what} exists already; name a new folder, or replace it with {MessageTerm.Overwrite}.");
        // A run with its checkpoints, or a home directory, is not to go by one word.
        var isModel = File.Exists(Path.Combine(folder, ModelFileNames.Configuration));
        if (!isModel || Directory.EnumerateDirectories(folder).Any())
            throw new CrossheadException(
                $"{what} holds something else than a model's files, which {MessageTerm.Overwrite} "
                + "does not remove; name a new folder, or remove it yourself.");
    }

    private static LanguageModel Filled(LanguageModel model, IModelWeights weights)
    {
        try
        {
            weights.CopyTo(model);
            weights.RequireFinite();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Copies stored weights into a model of the same shape, tensor by tensor: only the model itself takes memory.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="path">A model directory, with one weights file or with shards, a GGUF file, or a
    /// <c>.safetensors</c> file.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged; a tensor is missing, superfluous, of another
    /// shape, not floating-point, or holds NaN or infinity.</exception>
    public static void LoadWeights(LanguageModel model, string path)
    {
        using var weights = IModelWeights.Open(path);
        weights.Check(model.Options);
        weights.CopyTo(model);
        weights.RequireFinite();
    }

    /// <summary>
    /// Writes a model's configuration, and its weights quantised as <c>model.gguf</c>. The model may have composed
    /// heads. The configuration is written last.
    /// </summary>
    /// <param name="folder">The folder, which exists and is empty but for other files of the model.</param>
    /// <param name="model">The model.</param>
    /// <param name="recipe">The types of the weights. Mixes of heads are bfloat16.</param>
    /// <param name="tokens">The tokens that texts begin and end with; null for none.</param>
    /// <param name="progress">Takes the progress; may be null.</param>
    /// <param name="cancellation">Stops writing.</param>
    /// <exception cref="CrossheadException">A weight is beyond the type's range, or the disk is full or not
    /// writable.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void SaveQuantized(string folder, LanguageModel model, GgufRecipe recipe, TextTokens? tokens = null,
        IProgress<GgufProgress>? progress = null, CancellationToken cancellation = default)
    {
        GgufFolder.Quantize(folder, model, recipe, progress, cancellation);
        AtomicFile.WriteText(Path.Combine(folder, ModelFileNames.Configuration),
            ModelConfig.Write(model.Options, "bfloat16", tokens));
    }

    /// <summary>
    /// Writes a model's configuration and weights, each file atomically. The configuration is written last, so a folder
    /// with a configuration is complete. Weights larger than a shard are split into several files with an index, as in
    /// Hugging Face's layout. An earlier model in the folder stays complete until the new model is complete.
    /// <para>
    /// If some weights lie quantised in a file, the weights are written as <c>model.gguf</c>. Those that lie in a file
    /// are copied as they are.
    /// </para>
    /// </summary>
    /// <param name="folder">The folder; created if it is missing.</param>
    /// <param name="model">The model.</param>
    /// <param name="metadata">Strings to keep in the weights' header: what produced the model.</param>
    /// <param name="tokens">The tokens that texts begin and end with; null for none.</param>
    /// <param name="type">Precision to store the weights in: float32, bfloat16, float16 or float64; null for the
    /// model's own.</param>
    /// <param name="shardBytes">Maximum of weight bytes per file.</param>
    /// <exception cref="CrossheadException">The precision cannot be stored, or the disk is full or not
    /// writable; or weights are quantised, and the folder holds a model in safetensors files.</exception>
    public static void Save(string folder, LanguageModel model, IReadOnlyDictionary<string, string>? metadata = null,
        TextTokens? tokens = null, ScalarType? type = null, long shardBytes = DefaultShardBytes)
    {
        var stored = type ?? model.Parameters[0].Type;
        Write(folder, model.Options, stored, tokens, () =>
        {
            if (model.IsQuantized) GgufFolder.Write(folder, model, metadata, stored, shardBytes);
            else new WeightWriter(folder, metadata, type).Write(ModelConfig.LayoutOf(model.Options)
                .Stored(model.Parameters.Select(p => new StoredTensor(p.Name, p.Value))), shardBytes);
        });
    }

    /// <summary>Writes a model whose weights are made one after the other.</summary>
    internal static void Save(string folder, ModelOptions options, IReadOnlyList<StoredTensor> weights,
        IReadOnlyDictionary<string, string>? metadata, TextTokens? tokens) => Write(folder, options, weights[0].Type,
            tokens, () => new WeightWriter(folder, metadata, null).Write(ModelConfig.LayoutOf(options).Stored(weights),
                DefaultShardBytes));

    private static void Write(string folder, ModelOptions options, ScalarType stored, TextTokens? tokens,
        Action writeWeights)
    {
        if (SafetensorsType.Of(stored) is not { IsFloat: true })
            throw new CrossheadException(
                $"weights cannot be stored as {stored}; choose Float32, BFloat16, Float16 or Float64.");
        NewFolder.Make(folder);
        writeWeights();
        AtomicFile.WriteText(Path.Combine(folder, ModelFileNames.Configuration),
            ModelConfig.Write(options, stored.ToString().ToLowerInvariant(), tokens));
    }
}
