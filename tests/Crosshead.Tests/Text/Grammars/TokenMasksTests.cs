using System.Text.Json;
using Crosshead.Serving;
using Crosshead.Serving.Constraints;
using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Grammars;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Text.Grammars;

public sealed class TokenMasksTests
{
    private static readonly TokenMasks s_masks = new(TinyTokenizer.Gpt2, 400);

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Schemas.All.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Random_texts_of_allowed_tokens_fit_the_schema(int number)
    {
        var schema = Schemas.Parse(Schemas.All[number].Schema);
        var (grammar, referee) = (Grammar.JsonSchema(schema), new SchemaReferee(schema));
        var walk = new GrammarWalk(TinyTokenizer.Gpt2, s_masks, number);
        for (var round = 0; round < 10; round++)
        {
            var text = walk.Write(grammar);
            Assert.True(referee.Fits(JsonElement.Parse(text)), text);
        }
    }

    [Theory]
    [InlineData("models", "stories260K", 30)]
    [InlineData("tokenizers", "mistral", 5)]
    public void A_real_tokenizer_writes_json(string kind, string name, int rounds)
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", kind, name));
        var walk = new GrammarWalk(tokenizer, new TokenMasks(tokenizer, tokenizer.VocabularySize), 1);
        for (var round = 0; round < rounds; round++)
            Assert.Equal(JsonValueKind.Object, JsonElement.Parse(walk.Write(Grammar.JsonObject())).ValueKind);
    }

    [Fact]
    public void Random_texts_match_the_expression()
    {
        var walk = new GrammarWalk(TinyTokenizer.Gpt2, s_masks, 1);
        var grammar = Grammar.Regex("[A-Z]{2}-\\d{1,4}( (the|head)+)?");
        for (var round = 0; round < 30; round++)
            Assert.Matches("^[A-Z]{2}-[0-9]{1,4}( (the|head)+)?$", walk.Write(grammar));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"")]
    [InlineData("{\"a\": [1.")]
    [InlineData("{\"a\": \"\\u0")]
    [InlineData("{\"a\": tru")]
    [InlineData("{}")]
    public void A_mask_has_exactly_the_tokens_after_which_the_text_can_be_completed(string text)
    {
        var state = Grammar.JsonObject().Begin.Next(System.Text.Encoding.UTF8.GetBytes(text))!;
        var allowed = GrammarWalk.Ids(s_masks.Allowed(state));
        var tokenizer = TinyTokenizer.Gpt2;
        Assert.Equal(Enumerable.Range(0, tokenizer.VocabularySize).Where(id => !tokenizer.IsSpecial(id)
            && tokenizer.BytesOf(id) is { Length: > 0 } bytes && state.Next(bytes) is not null), allowed);
    }

    [Fact]
    public void Special_tokens_and_ids_beyond_the_vocabulary_are_never_allowed()
    {
        var anything = new GrammarConstraint(Grammar.Regex("(.|\n)*"), s_masks);
        var allowed = GrammarWalk.Ids(anything.Allowed);
        Assert.DoesNotContain(TinyTokenizer.Gpt2.EosTokenId!.Value, allowed);
        Assert.True(allowed.Max() < TinyTokenizer.Gpt2.VocabularySize);
        Assert.Equal(400, s_masks.Width);
        Assert.Equal(7, anything.Allowed.Length);
        var narrow = new TokenMasks(TinyTokenizer.Gpt2, 100);
        Assert.True(GrammarWalk.Ids(new GrammarConstraint(Grammar.Regex(".*"), narrow).Allowed).Max() < 100);
    }

    [Fact]
    public void A_constraint_follows_the_text_to_its_end()
    {
        var tokenizer = TinyTokenizer.Gpt2;
        var constraint = new GrammarConstraint(Grammar.Choice(["to", "the"]), s_masks);
        Assert.False(constraint.MayEnd);
        Assert.Contains(tokenizer.TokenToId("t")!.Value, GrammarWalk.Ids(constraint.Allowed));
        foreach (var id in tokenizer.Encode("the", addSpecialTokens: false)) constraint.Accept(id);
        Assert.True(constraint.MayEnd);
        Assert.Empty(GrammarWalk.Ids(constraint.Allowed));
        constraint.Accept(tokenizer.EosTokenId!.Value);
        Assert.True(constraint.MayEnd);
        Assert.Empty(GrammarWalk.Ids(constraint.Allowed));
    }

    [Fact]
    public void Sequences_share_masks()
    {
        var grammar = Grammar.JsonObject();
        ITokenConstraint Next() => new GrammarConstraint(grammar, s_masks);
        Assert.True(Next().Allowed == Next().Allowed);
    }

    [Fact]
    public void Threads_share_a_grammar()
    {
        var grammar = Grammar.JsonObject();
        var masks = new TokenMasks(TinyTokenizer.Gpt2, 400);
        var texts = new string[16];
        Parallel.For(0, texts.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
            texts[i] = new GrammarWalk(TinyTokenizer.Gpt2, masks, i % 4).Write(grammar));
        for (var i = 4; i < texts.Length; i++) Assert.Equal(texts[i % 4], texts[i]);
    }

    [Fact]
    public void An_automaton_that_explodes_gets_masks_of_short_tokens()
    {
        // Every set of the last 20 places where a letter stood is a state of its own.
        var grammar = Grammar.Regex("(.|\n)*[a-m](.|\n){20}");
        var walk = new GrammarWalk(TinyTokenizer.Gpt2, s_masks, 1);
        Assert.True(walk.Write(grammar, 60).EnumerateRunes().SkipLast(20).Last().Value is >= 'a' and <= 'm');
    }
}
