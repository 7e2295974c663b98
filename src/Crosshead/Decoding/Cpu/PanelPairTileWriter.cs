using Crosshead.Runtime.MachineCode;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Writes the machine code that multiplies two panels by up to ten vectors (<see cref="PanelPairTileArguments"/>).
/// The sums stay in registers; a step takes two numbers of each vector.
/// </summary>
/// <param name="vectors">Number of vectors.</param>
/// <param name="areBytes">Whether elements are int8 and numbers of vectors int16; otherwise both are bfloat16.</param>
/// <param name="lines">Lines of 64 bytes of each run that are prefetched in <see cref="Steps"/> steps: 1, 2 or
/// 4.</param>
internal sealed class PanelPairTileWriter(int vectors, bool areBytes, int lines)
{
    /// <summary>Runs of memory that are prefetched in turn.</summary>
    public const int Runs = 4;

    /// <summary>Most vectors of a tile.</summary>
    public const int Most = 10;

    /// <summary>Steps that are written one after the other.</summary>
    public const int Steps = 2 * Runs;

    private const int LeastSteps = Panel.DepthStep / 2;
    private const int Word = 4, Line = 64;         // bytes of two numbers of a vector, and of a line of memory
    private const int Words = 2, Sums = 6;         // the first register for words, and for sums
    private const int WordRegisters = Sums - Words;
    private const int Together = 2; // lines that are prefetched at once

    // While sums are read and written, registers have other meanings.
    private const Register Arguments = Register.Rax, First = Register.Rcx, Second = Register.Rdx, Next = Register.Rbx,
        Run = Register.Rsi, Half = Register.R13, End = Register.Rdi, Far = Register.R12, X = Register.R8,
        FifthX = Register.R9, Stride = Register.R10, Stride3 = Register.R11, Y = First, SumStride = Second, Apart = X;

    // Bytes of two elements of all lanes.
    private readonly int _row = 2 * Panel.Lanes * (areBytes ? sizeof(sbyte) : sizeof(ushort));

    private static readonly VectorRegister s_first = new(0), s_second = new(1);

    /// <summary>Writes the function.</summary>
    public void Write(Assembler a)
    {
        a.Enter(Arguments, Next, Run, Half, End, Far);
        var (clear, begin, rest, end) = (new Label(), new Label(), new Label(), new Label());
        LoadPlaces(a);
        a.Load(End, At(nameof(PanelPairTileArguments.Adds)));
        a.Compare(End, 0);
        a.Jump(Condition.Equal, clear);
        for (var v = 0; v < vectors; v++)
        {
            a.Load(Sum(v), new Address(Y));
            a.Load(Sum(v) + 1, new Address(Y, 0, Apart));
            a.Add(Y, SumStride);
        }
        a.Jump(begin);
        a.Place(clear);
        for (var v = 0; v < 2 * vectors; v++) a.Clear(new VectorRegister(Sums + v));
        a.Place(begin);
        LoadInputs(a);
        var again = a.Here();
        a.LoadAddress(Far, new Address(First, Steps * _row));
        a.Compare(End, Far);
        a.Jump(Condition.Below, rest);
        WriteSteps(a, Steps);
        a.Add(Next, lines * Line);
        a.Jump(again);
        a.Place(rest);
        a.Compare(First, End);
        a.Jump(Condition.NotBelow, end);
        WriteSteps(a, LeastSteps);
        a.Jump(rest);
        a.Place(end);
        LoadPlaces(a);
        for (var v = 0; v < vectors; v++)
        {
            a.Store(new Address(Y), Sum(v));
            a.Store(new Address(Y, 0, Apart), Sum(v) + 1);
            a.Add(Y, SumStride);
        }
        a.Leave();
    }

    private static void LoadPlaces(Assembler a)
    {
        a.Load(Y, At(nameof(PanelPairTileArguments.Y)));
        a.Load(SumStride, At(nameof(PanelPairTileArguments.SumStride)));
        a.Load(Apart, At(nameof(PanelPairTileArguments.Apart)));
    }

    private static void LoadInputs(Assembler a)
    {
        a.Load(First, At(nameof(PanelPairTileArguments.First)));
        a.Load(End, At(nameof(PanelPairTileArguments.End)));
        a.Load(Second, At(nameof(PanelPairTileArguments.Second)));
        a.Load(Next, At(nameof(PanelPairTileArguments.Next)));
        a.Load(Run, At(nameof(PanelPairTileArguments.Run)));
        a.Load(Half, At(nameof(PanelPairTileArguments.Half)));
        a.Load(X, At(nameof(PanelPairTileArguments.X)));
        a.Load(Stride, At(nameof(PanelPairTileArguments.Stride)));
        a.LoadAddress(Stride3, new Address(Stride, 0, Stride, 2));
        a.LoadAddress(FifthX, new Address(X, 0, Stride, 4));
        a.Add(FifthX, Stride);
    }

    private void WriteSteps(Assembler a, int steps)
    {
        if (steps == Steps) a.LoadAddress(Far, new Address(Next, 0, Half));
        for (var step = 0; step < steps; step++)
        {
            if (steps == Steps) WritePrefetch(a, step);
            WriteLoad(a, s_first, new Address(First, step * _row));
            WriteLoad(a, s_second, new Address(Second, step * _row));
            for (var v = 0; v < vectors; v++)
            {
                var word = new VectorRegister(Words + (v % WordRegisters));
                a.Broadcast(word, Vector(v, step * Word));
                WriteProduct(a, Sum(v), s_first, word);
                WriteProduct(a, Sum(v) + 1, s_second, word);
            }
        }
        a.Add(First, steps * _row);
        a.Add(Second, steps * _row);
        a.Add(X, steps * Word);
        if (vectors > 5) a.Add(FifthX, steps * Word);
    }

    // Two lines of a run together, and two more in the next step.
    private void WritePrefetch(Assembler a, int step)
    {
        var (run, second) = Math.DivRem(step, 2);
        for (var line = second * Together; line < Math.Min(lines, (second + 1) * Together); line++)
            a.Prefetch(new Address(run < 2 ? Next : Far, line * Line, run % 2 == 0 ? null : Run));
    }

    private void WriteLoad(Assembler a, VectorRegister to, Address from)
    {
        if (areBytes) a.WidenBytes(to, from);
        else a.Load(to, from);
    }

    private void WriteProduct(Assembler a, VectorRegister sum, VectorRegister row, VectorRegister word)
    {
        if (areBytes) a.AddInt16Products(sum, row, word);
        else a.AddBFloat16Products(sum, row, word);
    }

    private static Address Vector(int vector, int at) => vector switch
    {
        0 => new Address(X, at),
        1 => new Address(X, at, Stride),
        2 => new Address(X, at, Stride, 2),
        3 => new Address(X, at, Stride3),
        4 => new Address(X, at, Stride, 4),
        5 => new Address(FifthX, at),
        6 => new Address(X, at, Stride3, 2),
        7 => new Address(FifthX, at, Stride, 2),
        8 => new Address(X, at, Stride, 8),
        _ => new Address(FifthX, at, Stride, 4),
    };

    private static VectorRegister Sum(int vector) => new(Sums + (2 * vector));

    private static Address At(string field) => Address.OfField<PanelPairTileArguments>(Arguments, field);
}
