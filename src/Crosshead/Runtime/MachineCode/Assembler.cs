using System.Buffers.Binary;

namespace Crosshead.Runtime.MachineCode;

/// <summary>
/// Writes machine code of x86-64: the few instructions of integers and addresses that loops need. Vectors are in the
/// other half of the class. Encodings are those of the "Intel 64 and IA-32 Architectures Software Developer's Manual",
/// volume 2. Results come first, as in that manual. All integers have 64 bits.
/// </summary>
internal sealed partial class Assembler
{
    private const int WindowsVectors = 6; // on Windows a function keeps xmm6 to xmm15
    private readonly List<byte> _code = [];
    private readonly List<Register> _saved = [];
    private int _savedVectors;
    private int _pending; // jumps to labels without a place

    /// <summary>The code so far.</summary>
    /// <exception cref="InvalidOperationException">A jump goes to a label without a place.</exception>
    public byte[] Code => _pending == 0 ? [.. _code] : throw new InvalidOperationException("A label has no place.");

    /// <summary>
    /// Begins a function with one argument, an address, and puts it into a register. <see cref="Leave"/> ends it.
    /// </summary>
    /// <param name="argument">The register for the argument.</param>
    /// <param name="saved">Registers that the function changes although its caller may need them.</param>
    public void Enter(Register argument, params ReadOnlySpan<Register> saved)
    {
        foreach (var register in saved)
        {
            _saved.Add(register);
            Push(register);
        }
        var given = Register.Rdi;
        if (OperatingSystem.IsWindows())
        {
            given = Register.Rcx;
            _savedVectors = 16 - WindowsVectors;
            Subtract(Register.Rsp, _savedVectors * 16);
            for (var i = 0; i < _savedVectors; i++)
                Store16(new Address(Register.Rsp, i * 16), WindowsVectors + i);
        }
        if (given != argument) Move(argument, given);
    }

    /// <summary>Ends a function: restores what <see cref="Enter"/> saved, and returns.</summary>
    public void Leave()
    {
        ZeroUpper();
        for (var i = 0; i < _savedVectors; i++)
            Load16(WindowsVectors + i, new Address(Register.Rsp, i * 16));
        if (_savedVectors > 0) Add(Register.Rsp, _savedVectors * 16);
        for (var i = _saved.Count - 1; i >= 0; i--) Pop(_saved[i]);
        Return();
    }

    /// <summary>to = from</summary>
    public void Move(Register to, Register from) => Integer(0x8b, (int)to, from);

    /// <summary>to = a number</summary>
    public void Move(Register to, int number)
    {
        Integer(0xc7, 0, to);
        Four(number);
    }

    /// <summary>to = the integer at an address</summary>
    public void Load(Register to, Address from) => Integer(0x8b, (int)to, from);

    /// <summary>the integer at an address = from</summary>
    public void Store(Address to, Register from) => Integer(0x89, (int)from, to);

    /// <summary>to = the address itself</summary>
    public void LoadAddress(Register to, Address address) => Integer(0x8d, (int)to, address);

    /// <summary>to += from</summary>
    public void Add(Register to, Register from) => Integer(0x03, (int)to, from);

    /// <summary>to += the integer at an address</summary>
    public void Add(Register to, Address from) => Integer(0x03, (int)to, from);

    /// <summary>to += a number</summary>
    public void Add(Register to, int number) => WithNumber(0, to, number);

    /// <summary>to −= from</summary>
    public void Subtract(Register to, Register from) => Integer(0x2b, (int)to, from);

    /// <summary>to −= a number</summary>
    public void Subtract(Register to, int number) => WithNumber(5, to, number);

    /// <summary>Compares for the next jump.</summary>
    public void Compare(Register first, Register second) => Integer(0x3b, (int)first, second);

    /// <summary>Compares with the integer at an address for the next jump.</summary>
    public void Compare(Register first, Address second) => Integer(0x3b, (int)first, second);

    /// <summary>Compares with a number for the next jump.</summary>
    public void Compare(Register first, int number) => WithNumber(7, first, number);

    /// <summary>Goes on at a label.</summary>
    public void Jump(Label to)
    {
        _code.Add(0xe9);
        Distance(to);
    }

    /// <summary>Goes on at a label where a condition holds for what was computed or compared last.</summary>
    public void Jump(Condition condition, Label to)
    {
        _code.Add(0x0f);
        _code.Add((byte)(0x80 + (int)condition));
        Distance(to);
    }

    /// <summary>Says that a label is here.</summary>
    public void Place(Label label)
    {
        label.Place = _code.Count;
        foreach (var end in label.Jumps) Patch(end, label.Place);
        _pending -= label.Jumps.Count;
        label.Jumps.Clear();
    }

    /// <summary>Puts a new label here.</summary>
    public Label Here()
    {
        var label = new Label();
        Place(label);
        return label;
    }

    /// <summary>Asks for the line at an address, into the first cache.</summary>
    public void Prefetch(Address address) => Plain([0x0f, 0x18], 1, address);

    /// <summary>Returns from the function.</summary>
    public void Return() => _code.Add(0xc3);

    // 16 bytes of a vector register (movups).
    private void Load16(int register, Address from) => Plain([0x0f, 0x10], register, from);

    private void Store16(Address to, int register) => Plain([0x0f, 0x11], register, to);

    private void Push(Register register) => WithoutOperands(0x50, register);

    private void Pop(Register register) => WithoutOperands(0x58, register);

    private void WithoutOperands(int code, Register register)
    {
        if ((int)register > 7) _code.Add(0x41);
        _code.Add((byte)(code + ((int)register & 7)));
    }

    private void WithNumber(int operation, Register to, int number)
    {
        var small = number is >= sbyte.MinValue and <= sbyte.MaxValue;
        Integer((byte)(small ? 0x83 : 0x81), operation, to);
        if (small) _code.Add((byte)number);
        else Four(number);
    }

    // REX.W, the code, and a register.
    private void Integer(byte code, int register, Register other)
    {
        _code.Add((byte)(0x48 | (register >> 3 << 2) | ((int)other >> 3)));
        _code.Add(code);
        _code.Add((byte)(0xc0 | ((register & 7) << 3) | ((int)other & 7)));
    }

    // REX.W, the code, and memory.
    private void Integer(byte code, int register, Address address)
    {
        _code.Add((byte)(0x48 | (register >> 3 << 2) | ((int)(address.Index ?? 0) >> 3 << 1)
            | ((int)address.Base >> 3)));
        _code.Add(code);
        Memory(register, address, 1);
    }

    private void Plain(ReadOnlySpan<byte> code, int register, Address address)
    {
        var rex = 0x40 | (register >> 3 << 2) | ((int)(address.Index ?? 0) >> 3 << 1) | ((int)address.Base >> 3);
        if (rex != 0x40) _code.Add((byte)rex);
        _code.AddRange(code);
        Memory(register, address, 1);
    }

    // ModRM, SIB and the displacement, which is one byte where it is a small multiple of a unit.
    private void Memory(int register, Address address, int unit)
    {
        var (number, low) = (address.Displacement / unit, (int)address.Base & 7);
        var small = address.Displacement % unit == 0 && number is >= sbyte.MinValue and <= sbyte.MaxValue;
        var hasSib = address.Index is not null || low == (int)Register.Rsp;
        var mode = address.Displacement == 0 && low != (int)Register.Rbp ? 0 : small ? 1 : 2;
        _code.Add((byte)((mode << 6) | ((register & 7) << 3) | (hasSib ? 4 : low)));
        if (hasSib)
        {
            var scale = int.TrailingZeroCount(address.Scale);
            _code.Add((byte)((scale << 6) | (((int)(address.Index ?? Register.Rsp) & 7) << 3) | low));
        }
        if (mode == 1) _code.Add((byte)number);
        if (mode == 2) Four(address.Displacement);
    }

    private void Distance(Label to)
    {
        Four(0);
        if (to.Place >= 0) Patch(_code.Count, to.Place);
        else
        {
            to.Jumps.Add(_code.Count);
            _pending++;
        }
    }

    // Writes how far a jump goes: from its end, which lies behind the number.
    private void Patch(int end, int place)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, place - end);
        for (var i = 0; i < 4; i++) _code[end - 4 + i] = number[i];
    }

    private void Four(int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        _code.AddRange(bytes);
    }
}
