using Crosshead.Checkpoints.HuggingFace;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

public sealed class StoredSamplingTests
{
    [Fact]
    public void Values_are_read_and_absent_ones_are_null()
    {
        Assert.Equal(new StoredSampling { Temperature = 0.6, TopK = 20, TopP = 0.95 },
            Read("""{"do_sample":true,"temperature":0.6,"top_k":20,"top_p":0.95,"eos_token_id":2}"""));
        Assert.Equal(new StoredSampling { MinP = 0.1, RepetitionPenalty = 1.05 },
            Read("""{"min_p":0.1,"repetition_penalty":1.05}"""));
        Assert.Equal(new StoredSampling { Temperature = 0 }, Read("""{"do_sample":false,"temperature":0.6}"""));
    }

    [Fact]
    public void A_folder_without_the_file_names_nothing()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(new StoredSampling(), StoredSampling.Of(folder.Path));
    }

    [Fact]
    public void A_value_of_the_wrong_kind_is_refused_by_name() =>
        Assert.Contains("temperature",
            Assert.Throws<CrossheadException>(() => Read("""{"temperature":"hot"}""")).Message);

    private static StoredSampling Read(string json)
    {
        using var folder = new TemporaryFolder();
        folder.Write("generation_config.json", json);
        return StoredSampling.Of(folder.Path);
    }
}
