using DistFS.Metadata;
using DistFS.Metadata.Leases;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Protocol;

namespace DistFS.Metaserver.Leases;

/// <summary>
/// Operations wait for leases that conflict, and hold what they need in flight until they are answered.
/// </summary>
internal sealed class LeaseStage(LeaseKeeper keeper, MetadataState state) : IMutationStage
{
    // What a name stands for may change while its inode is waited for.
    private const int AttemptsMax = 8;

    public async ValueTask<MetadataReply?> EnterAsync(Mutation mutation)
    {
        if (mutation.Request.Operations.Count > MetadataMachine.OperationsMax)
        {
            // It will be refused.
            return null;
        }

        var ticket = new LeaseTicket(LeaseTicketKind.Operation, mutation.Client);
        var rules = new LeaseRules(ticket);
        rules.Add(mutation.Request);
        if (ticket.Needs.Count == 0)
        {
            return null;
        }

        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            // The answer has to arrive before its client gives up.
            var limit = mutation.TimeRemaining * 0.75;
            var refusal = await keeper.EnterAsync(ticket, limit, mutation.Cancellation).ConfigureAwait(false);
            if (refusal != LeaseRefusal.None)
            {
                var answer = keeper.Answer(refusal);
                return new MetadataReply { Status = answer.Status, Code = answer.Code, Leader = answer.Leader };
            }

            if (HasTargets(ticket, rules))
            {
                (mutation.Ticket, mutation.Term) = (ticket, ticket.Epoch);
                return null;
            }
        }

        var last = keeper.Answer(LeaseRefusal.NotInTime);
        return new MetadataReply { Status = last.Status, Code = last.Code };
    }

    public ValueTask LeaveAsync(Mutation mutation, MetadataReply? reply)
    {
        if (mutation.Ticket is { } ticket)
        {
            mutation.Ticket = null;
            if (reply != null)
            {
                keeper.Leave(ticket);
            }
            else
            {
                keeper.Doubt(ticket);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// The names are held: what they stand for stays. If the inodes behind them are not free, all is waited for
    /// together.
    /// </summary>
    private bool HasTargets(LeaseTicket ticket, LeaseRules rules)
    {
        if (!rules.HasNames)
        {
            return true;
        }

        var hasTargets = false;
        try
        {
            var targets = new List<LeaseNeed>();
            state.ReadTree((rules, targets), static (view, asked) =>
            {
                if (view != null)
                {
                    asked.rules.Resolve(view.Tree, asked.targets);
                }

                return true;
            });
            hasTargets = keeper.TryExtend(ticket, targets);
            if (!hasTargets)
            {
                keeper.Leave(ticket);
                foreach (var target in targets)
                {
                    ticket.Need(target.Kind, target.Value);
                }
            }
        }
        catch
        {
            keeper.Leave(ticket);
            throw;
        }

        return hasTargets;
    }
}
