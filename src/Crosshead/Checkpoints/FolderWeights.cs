using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.Weights;

namespace Crosshead.Checkpoints;

/// <summary>The open weights of a model directory.</summary>
/// <param name="files">Its files, disposed with this object.</param>
internal sealed class FolderWeights(WeightFiles files) : IModelWeights
{
    /// <inheritdoc/>
    public void Check(ModelOptions options) => WeightLoader.Check(options, files);

    /// <inheritdoc/>
    public Func<string, WeightMatrix?> Stored(ModelOptions options) => WeightLoader.Stored(files, options);

    /// <inheritdoc/>
    public void CopyTo(LanguageModel model) => WeightLoader.Copy(files, model);

    /// <inheritdoc/>
    public void Dispose() => files.Dispose();
}
