using Crosshead.Runtime.MachineCode;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Writes the machine code that multiplies a tile of rows by all vectors (<see cref="CodeTileArguments"/>). The codes
/// of a run stay in registers while the vectors pass: for each of them eight products of four codes a lane, then
/// sum + (scale · d) · products, as <see cref="InputCodes.Add"/>.
/// </summary>
/// <param name="shape">The shape.</param>
internal sealed class CodeTileWriter(CodeTileShape shape)
{
    private const int Registers = 8; // of the codes of a run in sixteen rows
    private const int Bytes = 64; // of a register
    private const int MostSums = 4; // side by side
    private const int FewestVectors = 8; // with which all lines are asked for
    private const Register Arguments = Register.Rax, Codes = Register.Rcx, Scales = Register.Rdx,
        Records = Register.R8, RecordsEnd = Register.R9, Sums = Register.R10, Next = Register.R11,
        Ahead = Register.Rbx, AheadEnd = Register.R12;

    private readonly int _vectors = MostSums / (shape.Sixteens * shape.Groups); // that are multiplied side by side

    /// <summary>Writes the function.</summary>
    public void Write(Assembler a)
    {
        a.Enter(Arguments, Ahead, AheadEnd);
        a.Load(Codes, At(nameof(CodeTileArguments.Codes)));
        a.Load(Scales, At(nameof(CodeTileArguments.Scales)));
        a.Load(Records, At(nameof(CodeTileArguments.Records)));
        a.Load(Ahead, At(nameof(CodeTileArguments.Ahead)));
        a.Move(AheadEnd, Ahead);
        var run = a.Here();
        LoadRun(a);
        a.Add(AheadEnd, shape.AheadBytes);
        a.Move(RecordsEnd, Records);
        a.Add(RecordsEnd, At(nameof(CodeTileArguments.RunBytes)));
        a.Load(Sums, At(nameof(CodeTileArguments.Sums)));
        var (rest, end) = (new Label(), new Label());
        if (_vectors > 1) WriteLoop(a, _vectors, rest);
        a.Place(rest);
        WriteLoop(a, 1, end);
        a.Place(end);
        a.Add(Codes, shape.Sixteens * Registers * Bytes);
        a.Add(Scales, shape.ScaleBytes);
        a.Compare(Codes, At(nameof(CodeTileArguments.CodesEnd)));
        a.Jump(Condition.Below, run);
        a.Leave();
    }

    private void LoadRun(Assembler a)
    {
        for (var rows = 0; rows < shape.Sixteens; rows++)
        {
            for (var i = 0; i < Registers; i++)
                a.Load(Code(rows, i), new Address(Codes, ((rows * Registers) + i) * Bytes));
            for (var group = 0; group < shape.Groups; group++)
                a.Load(Scale(rows, group), new Address(Scales, (rows * shape.SixteenBytes) + (group * Bytes)));
            if (!shape.HasCenter)
                a.Load(Minimum(rows), new Address(Scales, (rows * shape.SixteenBytes) + shape.MinimumBytes));
        }
    }

    // Takes some vectors at a time, and leaves when fewer are left.
    private void WriteLoop(Assembler a, int vectors, Label end)
    {
        var again = a.Here();
        a.LoadAddress(Next, new Address(Records, vectors * InputCodes.RecordBytes));
        a.Compare(RecordsEnd, Next);
        a.Jump(Condition.Below, end);
        if (vectors == _vectors) AskAhead(a);
        WriteProducts(a, vectors);
        for (var vector = 0; vector < vectors; vector++)
            for (var rows = 0; rows < shape.Sixteens; rows++)
                WriteSum(a, vector, rows);
        a.Move(Records, Next);
        a.Add(Sums, vectors * shape.Sixteens * Bytes);
        a.Jump(again);
    }

    // Memory is read while vectors are multiplied: some lines at a time, until all of the run's have been asked for.
    // All of a tile's lines at once would fill the queue of the first cache, and all else would wait for it.
    private void AskAhead(Assembler a)
    {
        var lines = ((shape.AheadBytes * _vectors) + (Bytes * FewestVectors) - 1) / (Bytes * FewestVectors);
        var enough = new Label();
        a.Compare(Ahead, AheadEnd);
        a.Jump(Condition.NotBelow, enough);
        for (var line = 0; line < lines; line++) a.Prefetch(new Address(Ahead, line * Bytes));
        a.Add(Ahead, lines * Bytes);
        a.Place(enough);
    }

    private void WriteProducts(Assembler a, int vectors)
    {
        for (var vector = 0; vector < vectors; vector++)
        {
            for (var rows = 0; rows < shape.Sixteens; rows++)
            {
                for (var group = 0; group < shape.Groups; group++)
                {
                    if (shape.HasCenter) a.Broadcast(Product(vector, rows, group), Centered(vector, group));
                    else a.Clear(Product(vector, rows, group));
                }
            }
        }
        for (var i = 0; i < Registers; i++)
        {
            for (var vector = 0; vector < vectors; vector++)
            {
                var (input, group) = (Record(vector, 4 * i), i * shape.Groups / Registers);
                if (shape.Sixteens == 1)
                {
                    a.AddByteProducts(Product(vector, 0, group), Code(0, i), VectorOperand.One(input));
                    continue;
                }
                var four = Passing(((vector * Registers) + i) % 4);
                a.Broadcast(four, input);
                for (var rows = 0; rows < shape.Sixteens; rows++)
                    a.AddByteProducts(Product(vector, rows, group), Code(rows, i), four);
            }
        }
    }

    // Adds the products of a vector to the sums of sixteen rows.
    private void WriteSum(Assembler a, int vector, int rows)
    {
        var (sum, scale) = (Passing(2 * rows), Passing((2 * rows) + 1));
        var at = new Address(Sums, ((vector * shape.Sixteens) + rows) * Bytes);
        a.Load(sum, at);
        for (var group = 0; group < shape.Groups; group++)
        {
            var products = Product(vector, rows, group);
            a.ToFloat32(products, products);
            a.Multiply(scale, Scale(rows, group), VectorOperand.One(Record(vector, InputCodes.Columns)));
            a.AddProduct(sum, products, scale);
        }
        if (!shape.HasCenter)
            a.AddProduct(sum, Minimum(rows), VectorOperand.One(Record(vector, InputCodes.Columns + 4)));
        a.Store(at, sum);
    }

    private static Address At(string field) => Address.OfField<CodeTileArguments>(Arguments, field);

    private Address Centered(int vector, int group) =>
        Record(vector, InputCodes.Columns + (4 * (shape.Groups == 1 ? 1 : 2 + group)));

    private static Address Record(int vector, int place) =>
        new(Records, (vector * InputCodes.RecordBytes) + place);

    // Registers 0 to 3 are scales and minima, 4 to 11 products, 12 to 15 hold what passes, and 16 to 31 are codes.
    private VectorRegister Scale(int rows, int group) => new((rows * 2) + group);

    private VectorRegister Minimum(int rows) => new((rows * 2) + 1);

    private VectorRegister Product(int vector, int rows, int group) =>
        new(4 + (((vector * shape.Sixteens) + rows) * shape.Groups) + group);

    private static VectorRegister Passing(int index) => new(12 + index);

    private static VectorRegister Code(int rows, int index) => new(16 + (rows * Registers) + index);
}
