using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// Each (client, sequence number) is executed at one index only, everywhere, and every repetition gets the first reply
/// (thesis, 6.3).
/// </summary>
public sealed class ExecutedOnce : Invariant, IExecutions
{
    private readonly Dictionary<(ClientId, SequenceNumber), (LogIndex Index, uint Reply)> _executed = [];

    /// <inheritdoc/>
    public override string Name => "each request is executed at most once";

    /// <inheritdoc/>
    public override void OnExecuted(MemberShadow member, LogIndex index, MachineReply reply)
    {
        var name = (reply.Client, reply.Sequence);
        var hash = Crc32C.Compute(reply.Reply);
        if (reply.WasExecuted)
        {
            _executed.TryAdd(name, (index, hash));
            var first = _executed[name];
            Must(
                first.Index == index,
                $"{member} executes {reply.Client}{reply.Sequence} at {index} again after {first.Index}");
            Must(first.Reply == hash, $"{member} answers {reply.Client}{reply.Sequence} otherwise than the others");
        }
        else if (reply.Reply.Length > 0)
        {
            Must(
                _executed.TryGetValue(name, out var first) && first.Reply == hash,
                $"{member} answers the repetition of {reply.Client}{reply.Sequence} otherwise than the first");
        }
    }

    /// <inheritdoc/>
    public bool WasExecuted(ClientId client, SequenceNumber sequence, ReadOnlySpan<byte> reply) =>
        _executed.TryGetValue((client, sequence), out var first) && first.Reply == Crc32C.Compute(reply);

    /// <inheritdoc/>
    public LogIndex? IndexOf(ClientId client, SequenceNumber sequence) =>
        _executed.TryGetValue((client, sequence), out var first) ? first.Index : null;
}
