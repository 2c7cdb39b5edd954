using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// One call at a time to whoever leads: repeated, byte by byte the same, until it is answered or given up.
/// </summary>
public sealed class LeaderCall(World world, Prng prng, ulong endpoint)
{
    private const long PatienceMicrosecondsMax = 1_000_000;

    private ulong _attempt;
    private ulong _leader;
    private Call? _current;

    /// <summary>Whether one is under way.</summary>
    public bool IsBusy => _current != null;

    /// <summary>Begins one.</summary>
    /// <param name="bytes">A command, or a question.</param>
    /// <param name="byQuery">Which of both.</param>
    /// <param name="done">Told the answer; says whether it is one: if not, it is asked again.</param>
    /// <param name="givenUp">Told that there was none.</param>
    public void Begin(byte[] bytes, bool byQuery, Func<byte[], bool> done, Action givenUp)
    {
        Check.That(_current == null);
        _current = new Call(
            bytes, byQuery, done, givenUp, _attempt + 1, world.Queue.Now + world.Options.GiveUpMicroseconds);
        Attempt();
    }

    /// <summary>Says something once, and does not listen to the answer.</summary>
    public void Tell(byte[] bytes) =>
        world.Network.Send(endpoint, Target(), default, new ClientRequest(endpoint, 0, bytes, ByQuery: false));

    /// <summary>Forgets the call under way, as who dies does.</summary>
    public void Abandon()
    {
        _current = null;
        _attempt++;
    }

    /// <summary>An answer arrived.</summary>
    public void Receive(ulong from, ClientReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        if (_current is not { } call || reply.Attempt < call.First)
        {
            return;
        }

        var attempt = _attempt;
        if (reply.Status == CallStatus.Done)
        {
            // All attempts of a call have the same answer, so a late one is as good.
            _current = null;
            _attempt++;
            if (!call.Done(reply.Reply))
            {
                Check.That(_current == null);
                _current = call;
                RetryLater(_attempt);
            }

            return;
        }

        if (reply.Attempt == attempt)
        {
            _leader = reply.Leader.Value != from ? reply.Leader.Value : 0;
            RetryLater(attempt);
        }
    }

    private void RetryLater(ulong attempt) =>
        world.Queue.After(1_000 + (long)DiskFaults.Exponential(prng, 20_000), () => Retry(attempt));

    private ulong Target() => _leader != 0 ? _leader : world.AnyMember(prng);

    private void Attempt()
    {
        var call = _current!;
        _attempt++;
        var anywhere = call.ByQuery && prng.Chance(world.Options.ReadsAnywhere);
        world.Network.Send(
            endpoint,
            anywhere ? world.AnyMember(prng) : Target(),
            default,
            new ClientRequest(endpoint, _attempt, call.Bytes, call.ByQuery));
        var attempt = _attempt;

        // Longer and longer: repetitions must not be what keeps the cluster from answering.
        var patience = world.Options.AttemptMicroseconds << (int)Math.Min(5, attempt - call.First);
        world.Queue.After(Math.Min(patience, PatienceMicrosecondsMax), () =>
        {
            if (attempt == _attempt)
            {
                _leader = 0;
                Retry(attempt);
            }
        });
    }

    private void Retry(ulong attempt)
    {
        if (_current is not { } call || attempt != _attempt)
        {
            return;
        }

        if (world.Queue.Now >= call.Deadline && !world.IsQuieting)
        {
            Abandon();
            call.GivenUp();
            return;
        }

        Attempt();
    }

    private sealed record Call(
        byte[] Bytes, bool ByQuery, Func<byte[], bool> Done, Action GivenUp, ulong First, long Deadline);
}
