using Crosshead.Training.Runs;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

/// <summary>Made-up data of which a test changes a part.</summary>
internal abstract class WrappedData(MadeUpData data) : ITrainingData
{
    public int VocabularySize => data.VocabularySize;

    public string Hash => data.Hash;

    public string TokenizerHash => data.TokenizerHash;

    public string? TokenizerFile => data.TokenizerFile;

    public int? EndToken => data.EndToken;

    public int? BeginToken => data.BeginToken;

    public System.Text.Json.Nodes.JsonNode Position
    {
        get => data.Position;
        set => data.Position = value;
    }

    public long Taken => data.Taken;

    public virtual TokenBatch Next(Device device) => data.Next(device);

    public void Skip() => data.Skip();

    public virtual IEnumerable<TokenBatch> HeldOut(int most, Device device) => data.HeldOut(most, device);

    public void Dispose() => data.Dispose();
}
