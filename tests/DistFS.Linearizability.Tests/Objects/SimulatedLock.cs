using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

internal sealed class SimulatedLock : SimulatedObject<LockInput, LockOutput>
{
    private long _token;
    private bool _held;

    public override LockInput NextInput(Prng random) => random.NextInt32(8) switch
    {
        < 3 => LockInput.Acquire,
        < 5 => LockInput.Release(Token(random)),
        < 7 => LockInput.Check(Token(random)),
        _ => LockInput.Break,
    };

    public override LockOutput Apply(LockInput input)
    {
        switch (input.Kind)
        {
            case LockInputKind.Acquire when _held:
                return LockOutput.Busy;
            case LockInputKind.Acquire:
                _held = true;
                return LockOutput.Granted(++_token);
            case LockInputKind.Break:
                _held = false;
                return LockOutput.Yes;
            case LockInputKind.Release when _held && _token == input.Token:
                _held = false;
                return LockOutput.Yes;
            default:
                return _held && _token == input.Token ? LockOutput.Yes : LockOutput.No;
        }
    }

    public override LockOutput NextOutput(LockInput input, Prng random) => input.Kind switch
    {
        LockInputKind.Acquire => random.Chance(0.4) ? LockOutput.Busy : LockOutput.Granted(random.NextInt32(1, 5)),
        LockInputKind.Break => LockOutput.Yes,
        _ => random.Chance(0.5) ? LockOutput.Yes : LockOutput.No,
    };

    private long Token(Prng random) => Math.Max(1, _token - random.NextInt32(2));
}
