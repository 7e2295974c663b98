using Crosshead.Tests.Runtime;
using Crosshead.TextModels;

namespace Crosshead.Tests.TextModels;

/// <summary>Alone, because whatever opens a model takes the one that was begun.</summary>
[Collection(Alone.Name)]
public sealed class OpenedModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model, _other;

    public OpenedModelTests()
    {
        (_model, _other) = (Save("model"), Save("other"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_model_that_was_begun_is_opened_once()
    {
        var begun = OpenedModel.Begin(_model);
        using var opened = OpenedModel.Open(_model, forTensors: false);
        Assert.Same(await begun, opened);
        Assert.Equal(SmallTextModel.Tokenizer.VocabularySize, opened.Tokenizer.VocabularySize);
        using var again = OpenedModel.Open(_model, forTensors: false);
        Assert.NotSame(opened, again);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Weights_that_are_read_again_are_never_copied(bool readsAgain)
    {
        _ = OpenedModel.Begin(_model, readsAgain);
        using var opened = OpenedModel.Open(_model, forTensors: false);
        using var norm = opened.Weights.Stored(opened.Description.Options, null)("model.norm.weight")!;
        FirstTouchTests.BeSlow(norm.Touch);
        Assert.Equal(!readsAgain, norm.Touch.IsCopied);
    }

    [Theory]
    [InlineData("other", false)]
    [InlineData("model", true)]
    public async Task Another_model_than_was_begun_is_opened_and_that_one_closed(string name, bool forTensors)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the maps of a process are Linux'");
        var begun = await OpenedModel.Begin(_model);
        Assert.NotEqual(0, Maps());
        using (var opened = OpenedModel.Open(_folder.File(name), forTensors))
        {
            Assert.NotSame(begun, opened);
            Assert.Equal(_folder.File(name), opened.Description.Path);
        }
        Assert.True(SpinWait.SpinUntil(() => Maps() == 0, TimeSpan.FromMinutes(1)));

        int Maps() => File.ReadLines("/proc/self/maps").Count(line => line.Contains($"{_model}/"));
    }

    [Fact]
    public void What_is_wrong_with_a_model_that_was_begun_is_told_when_it_is_opened()
    {
        File.WriteAllText(Path.Combine(_model, "model.safetensors"), "no weights");
        var known = Assert.Throws<CrossheadException>(() => OpenedModel.Open(_model, forTensors: false));
        _ = OpenedModel.Begin(_model);
        var told = Assert.Throws<CrossheadException>(() => OpenedModel.Open(_model, forTensors: false));
        Assert.Equal(known.Message, told.Message);
    }

    private string Save(string name)
    {
        var folder = _folder.File(name);
        Directory.CreateDirectory(folder);
        SmallTextModel.Save(folder);
        return folder;
    }
}
