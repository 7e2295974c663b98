using Crosshead.Checkpoints.Gguf;
using Crosshead.Runtime;

namespace Crosshead.Tests.Checkpoints.Gguf;

[Collection(Alone.Name)]
public sealed class GgufThreadsTests
{
    [Fact]
    public void Bytes_do_not_depend_on_the_number_of_threads()
    {
        using var folder = new TemporaryFolder();
        using var model = GgufModels.Random(GgufModels.All["llama"] with { HiddenSize = 256, FeedForwardSize = 320 });
        try
        {
            foreach (var threads in (int[])[1, 3])
            {
                ComputeThreads.Use(threads);
                GgufModel.Write(folder.File($"{threads}.gguf"), model, GgufRecipe.Named("q4_k_m"), folder.Path, "tiny");
            }
        }
        finally
        {
            ComputeThreads.Use(null);
        }
        Assert.Equal(File.ReadAllBytes(folder.File("1.gguf")), File.ReadAllBytes(folder.File("3.gguf")));
    }
}
