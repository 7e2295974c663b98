namespace Crosshead.Tests;

public sealed class SuggestionTests
{
    [Fact]
    public void A_near_name_is_suggested_and_all_are_listed() =>
        Assert.Equal("did you mean \"learningRate\"? known: batch, learningRate.",
            Suggestion.For("learningrat", ["batch", "learningRate"]));

    [Fact]
    public void A_far_name_gets_only_the_list() =>
        Assert.Equal("known: batch, steps.", Suggestion.For("temperature", ["batch", "steps"]));
}
