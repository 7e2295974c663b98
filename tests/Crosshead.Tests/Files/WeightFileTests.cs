using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Tests.Files;

/// <summary>Files of weights that are none.</summary>
public sealed class WeightFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_named_pipe_is_refused_without_waiting_for_a_writer()
    {
        var path = NamedPipe.In(_folder);
        Assert.All(Refusals(path), m => Assert.Contains("pipe\" is a pipe, not a file; name a .", m));
    }

    [Fact]
    public void An_empty_file_is_refused()
    {
        var path = _folder.File("none");
        File.WriteAllBytes(path, []);
        Assert.All(Refusals(path),
            m => Assert.Contains("none\" cannot be read: it has 0 bytes; name a .", m));
    }

    private static string[] Refusals(string path) =>
    [
        Assert.Throws<CrossheadException>(() => GgufReader.Open(path)).Message,
        Assert.Throws<CrossheadException>(() => SafetensorsReader.Open(path)).Message,
    ];
}
