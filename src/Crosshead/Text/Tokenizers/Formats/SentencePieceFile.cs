namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>The parts of a SentencePiece model (sentencepiece_model.proto) that decide about ids.</summary>
internal sealed class SentencePieceFile
{
    private const int BytePairEncoding = 2;

    private bool _hasTrainer;
    private bool _hasNormalizer;

    /// <summary>The vocabulary in order of ids.</summary>
    public List<SentencePiece> Pieces { get; } = [];

    /// <summary>What kind of model: 1 unigram, 2 BPE, 3 word, 4 character.</summary>
    public long ModelType { get; private set; } = 1;

    /// <summary>Whether a character outside the vocabulary becomes its bytes.</summary>
    public bool ByteFallback { get; private set; }

    /// <summary>The id of the token that begins a text; negative for none.</summary>
    public int BosId { get; private set; } = 1;

    /// <summary>The id of the token that ends a text; negative for none.</summary>
    public int EosId { get; private set; } = 2;

    /// <summary>Whether a space is put before a text.</summary>
    public bool AddDummyPrefix { get; private set; } = true;

    /// <summary>Whether spaces at the ends, and all but one in a row, are dropped.</summary>
    public bool RemoveExtraWhitespaces { get; private set; } = true;

    /// <summary>Reads a file's bytes; <paramref name="name"/> is what errors call it.</summary>
    /// <exception cref="CrossheadException">It is damaged, or uses a feature that is not supported.</exception>
    public static SentencePieceFile Read(ReadOnlySpan<byte> content, string name)
    {
        var file = new SentencePieceFile();
        try
        {
            file.Read(content, new ProtobufReader(content), name);
        }
        catch (Exception e) when (e is FormatException or System.Text.DecoderFallbackException)
        {
            throw new CrossheadException($"{name} is not a SentencePiece model: {e.Reason()}; get it again.", e);
        }
        var type = file.ModelType switch { 1 => "unigram", 3 => "word", 4 => "character", var number => $"{number}" };
        UnsupportedTokenizer.Unless(file.ModelType == BytePairEncoding, name,
            $"a SentencePiece model of the type {type}");
        UnsupportedTokenizer.Unless(!file.Pieces.Exists(piece => piece.Kind == SentencePieceKind.Unused), name,
            "unused pieces");
        return file;
    }

    private void Read(ReadOnlySpan<byte> content, ProtobufReader fields, string name)
    {
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1: Pieces.Add(ReadPiece(new ProtobufReader(fields.Bytes))); break;
                case 2: ReadTrainer(new ProtobufReader(fields.Bytes), name); break;
                case 3: ReadNormalizer(new ProtobufReader(fields.Bytes), name); break;
            }
        }
        if (Pieces.Count == 0 || !_hasTrainer || !_hasNormalizer)
            throw new FormatException($"it has {content.Length} bytes with {Pieces.Count} pieces, "
                + $"{(_hasTrainer ? "" : "no ")}training settings and {(_hasNormalizer ? "" : "no ")}normalizer.");
    }

    private SentencePiece ReadPiece(ProtobufReader fields)
    {
        var (text, score, kind) = ("", 0f, SentencePieceKind.Normal);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1: text = fields.Text; break;
                case 2: score = fields.Float; break;
                case 3: kind = (SentencePieceKind)fields.Number; break;
            }
        }
        if (text.Length == 0 || !Enum.IsDefined(kind) || float.IsNaN(score))
            throw new FormatException(
                $"piece {Pieces.Count} has the text \"{text}\", the kind {(int)kind} and the score {score}.");
        return new SentencePiece(text, score, kind);
    }

    private void ReadTrainer(ProtobufReader fields, string name)
    {
        _hasTrainer = true;
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 3: ModelType = fields.Number; break;
                case 24: UnsupportedTokenizer.Unless(fields.Number == 0, name, "treat_whitespace_as_suffix"); break;
                case 35: ByteFallback = fields.Number != 0; break;
                case 41: BosId = (int)fields.Number; break;
                case 42: EosId = (int)fields.Number; break;
            }
        }
    }

    private void ReadNormalizer(ProtobufReader fields, string name)
    {
        _hasNormalizer = true;
        var rule = "";
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1: rule = fields.Text; break;
                case 2:
                    UnsupportedTokenizer.Unless(fields.Bytes.IsEmpty, name, $"the SentencePiece normalizer {rule}");
                    break;
                case 3: AddDummyPrefix = fields.Number != 0; break;
                case 4: RemoveExtraWhitespaces = fields.Number != 0; break;
                case 5: UnsupportedTokenizer.Unless(fields.Number != 0, name, "escape_whitespaces switched off"); break;
            }
        }
    }
}
