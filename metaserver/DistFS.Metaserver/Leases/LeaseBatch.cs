using DistFS.Metadata.Leases;

namespace DistFS.Metaserver.Leases;

/// <summary>Acquisitions that were asked for together; under the keeper's lock, but for those who wait.</summary>
internal sealed class LeaseBatch(IReadOnlyList<LeaseTicket> tickets)
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Before this one, none waits.</summary>
    private int _at;

    /// <summary>Ends when one has passed, or none waits.</summary>
    public Task First => _first.Task;

    /// <summary>Ends when none waits.</summary>
    public Task All => _all.Task;

    /// <summary>All are entered.</summary>
    public void Look()
    {
        foreach (var ticket in tickets)
        {
            Freed(ticket);
        }
    }

    /// <summary>One does not wait any more, or never did.</summary>
    public void Freed(LeaseTicket ticket)
    {
        if (ticket.State == LeaseTicketState.Passed)
        {
            _first.TrySetResult();
        }

        while (_at < tickets.Count && tickets[_at].State != LeaseTicketState.Waiting)
        {
            _at++;
        }

        if (_at == tickets.Count)
        {
            _first.TrySetResult();
            _all.TrySetResult();
        }
    }
}
