using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Grammars;

namespace Crosshead.Tests.Text.Grammars;

public sealed class RandomSchemaTests
{
    [Fact]
    public void A_grammar_accepts_what_fits_and_nothing_else()
    {
        var masks = new TokenMasks(TinyTokenizer.Gpt2, TinyTokenizer.Gpt2.VocabularySize);
        var (changedFit, changedMisfit) = (0, 0);
        for (var seed = 0; seed < 150; seed++)
        {
            var (make, random) = (new RandomSchema(seed), new Random(seed));
            var node = make.Schema(3);
            var schema = Schemas.Parse(node.ToJsonString());
            var (grammar, referee) = (Grammar.JsonSchema(schema), new SchemaReferee(schema));
            for (var round = 0; round < 10; round++)
            {
                var text = make.Text(node);
                Assert.True(referee.Fits(Schemas.Parse(text)), $"{node}: {text}");
                Assert.True(grammar.Accepts(text), $"{node}: {text}");
                for (var change = 0; change < 5; change++)
                {
                    var changed = JsonSchemaTests.Changed(text, random);
                    if (!grammar.Accepts(changed)) changedMisfit++;
                    else
                    {
                        Assert.True(referee.Fits(Schemas.Parse(changed)), $"{node}: {changed}");
                        changedFit++;
                    }
                }
            }
            var written = new GrammarWalk(TinyTokenizer.Gpt2, masks, seed).Write(grammar);
            Assert.True(referee.Fits(Schemas.Parse(written)), $"{node}: {written}");
        }
        Assert.True(changedFit > 500 && changedMisfit > 500);
    }
}
