// faulty-epoll: an echo server with epoll that is right but for one fault, chosen by --fault.
//
// Run:       build/test/faulty-epoll --port 9000 --fault one-send
//            build/bin/harness check -- build/test/faulty-epoll --port {port} --fault one-send
// Look for:  a no where faults.csv says so, and yes everywhere else: a judge that has never said no proves
// nothing.

#include "common/harness/judging/faulty/epoll_faults_of_bytes.h"
#include "common/harness/judging/faulty/epoll_faults_of_ends.h"
#include "common/harness/judging/faulty/epoll_faults_of_waiting.h"
#include "common/harness/judging/faulty/faulty_servers.h"

namespace harness {
namespace {

const FaultyServers servers{
    {"none", serve_as<EpollServer>},
    {"none-edge", serve_as<EdgeServer>},
    {"accepts-four-an-edge", serve_as<AcceptsFourAnEdge>},
    {"always-asks-for-room", serve_as<AlwaysAsksForRoom>},
    {"closes-a-number-twice", serve_as<ClosesANumberTwice>},
    {"closes-at-the-next-arrival", serve_as<ClosesAtTheNextArrival>},
    {"closes-with-the-queue-unsent", serve_as<ClosesWithTheQueueUnsent>},
    {"dies-of-sigpipe", serve_as<DiesOfSigpipe>},
    {"ends-at-eintr", serve_as<EndsAtEintr>},
    {"forgets-to-ask-for-room", serve_as<ForgetsToAskForRoom>},
    {"ignores-the-end", serve_as<IgnoresTheEnd>},
    {"leaks-a-kilobyte", serve_as<LeaksAKilobyte>},
    {"leaks-a-descriptor", serve_as<LeaksADescriptor>},
    {"listens-for-five", serve_as<ListensForFive>},
    {"never-closes", serve_as<NeverCloses>},
    {"never-frees-slots", serve_as<NeverFreesSlots>},
    {"never-takes-epollout-back", serve_as<NeverTakesEpolloutBack>},
    {"one-send", serve_as<OneSend>},
    {"overwrites-the-oldest", serve_as<OverwritesTheOldest>},
    {"reads-once-an-edge", serve_as<ReadsOnceAnEdge>},
    {"resends-from-the-start", serve_as<ResendsFromTheStart>},
    {"sends-more-than-came", serve_as<SendsMoreThanCame>},
    {"sends-the-newest-first", serve_as<SendsTheNewestFirst>},
    {"sends-the-whole-buffer", serve_as<SendsTheWholeBuffer>},
    {"serves-the-loudest-to-its-end", serve_as<ServesTheLoudestToItsEnd>},
    {"shuts-down-and-never-closes", serve_as<ShutsDownAndNeverCloses>},
    {"stops-at-a-short-read", serve_as<StopsAtAShortRead>},
    {"swaps-buffers", serve_as<SwapsBuffers>},
    {"zeros-far-into-a-stream", serve_as<ZerosFarIntoAStream>},
};

}  // namespace
}  // namespace harness

int main(int argc, char** argv) {
  return harness::run_faulty_server(argc, argv, "An echo server with epoll, right but for one fault.",
                                    harness::servers);
}
