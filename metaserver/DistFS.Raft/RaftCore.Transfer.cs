using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>Leadership goes to another member on purpose (thesis, 3.10).</summary>
public sealed partial class RaftCore
{
    private MemberId _transferTarget;

    /// <summary>
    /// Brings <paramref name="target"/> up to date and lets it take over; no proposals meanwhile. Given up after an
    /// election time-out.
    /// </summary>
    public ProposeStatus TransferLeadership(MemberId target)
    {
        if (!IsLeader)
        {
            return ProposeStatus.NotLeader;
        }

        if (target == _options.Self)
        {
            return ProposeStatus.Accepted;
        }

        if (_transferTarget.Value != 0)
        {
            return ProposeStatus.Busy;
        }

        if (ProgressOf(target) is not { } member || !Configuration.IsVoter(target))
        {
            return ProposeStatus.Refused;
        }

        _transferTarget = target;
        _electionElapsed = 0;
        Note(RaftEventKind.TransferStarted, target);
        ContinueTransfer(member);
        return ProposeStatus.Accepted;
    }

    private void ContinueTransfer(Progress member)
    {
        if (IsLeader && member.Id == _transferTarget && member.Match == _log.Last.Index)
        {
            Send(new TimeoutNow { From = _options.Self, To = member.Id, Term = _term });
        }
    }

    private void StopTransfer()
    {
        if (_transferTarget.Value != 0)
        {
            Note(RaftEventKind.TransferFailed, _transferTarget);
            _transferTarget = default;
        }
    }
}
