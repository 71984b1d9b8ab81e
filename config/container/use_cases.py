"""Everything the application can do."""

from dependency_injector import containers, providers

from config.container.basics import CONSUMER
from config.container.building import use_case
from core.fees.list_exam_fees import ListExamFees
from core.fees.list_fee_schedules import ListFeeSchedules
from core.fees.publish_fee_schedule import PublishFeeSchedule
from core.fees.quote_exam_fee import QuoteExamFee
from core.fees.refuse_exam_fee import RefuseExamFee
from core.fees.show_exam_fee import ShowExamFee
from core.fees.submit_exam_fee import SubmitExamFee
from core.inventory.allocate_lines import AllocateLines
from core.inventory.cancel_order import CancelOrder
from core.inventory.change_arrival import ChangeArrival
from core.inventory.change_batch_quantity import ChangeBatchQuantity
from core.inventory.create_batch import CreateBatch
from core.inventory.deallocate_line import DeallocateLine
from core.inventory.project_stock import ProjectStock
from core.inventory.refuse_stock_command import RefuseStockCommand
from core.inventory.ship_order import ShipOrder
from core.inventory.show_allocations import ShowAllocations
from core.inventory.show_availability import ShowAvailability
from core.inventory.show_batch import ShowBatch
from core.inventory.tend_stores import TendStores
from core.messaging.drop_dead_letter import DropDeadLetter
from core.messaging.list_dead_letters import ListDeadLetters
from core.messaging.preview_dead_letters import PreviewDeadLetters
from core.messaging.purge_expired_records import PurgeExpiredRecords
from core.messaging.rebuild_projection import RebuildProjection
from core.messaging.replay_dead_letter import ReplayDeadLetter
from core.messaging.replay_events import ReplayEvents
from core.messaging.settle_dead_letters import SettleDeadLetters
from core.messaging.show_dead_letter import ShowDeadLetter
from core.notifications.dispatch_deliveries import DispatchDeliveries
from core.notifications.expire_claims import ExpireClaims
from core.notifications.list_deliveries import ListDeliveries
from core.notifications.list_vendor_standings import ListVendorStandings
from core.notifications.publish_vendor_standings import PublishVendorStandings
from core.notifications.reconcile_deliveries import ReconcileDeliveries
from core.notifications.record_vendor_report import RecordVendorReport
from core.notifications.send_notice import SendNotice
from core.notifications.settle_delivery import SettleDelivery
from core.students.find_student import FindStudent
from core.students.import_students import ImportStudents


class UseCases(containers.DeclarativeContainer):
    """What the application can do, with every port filled."""

    driven = providers.DependenciesContainer()

    publish_fee_schedule = use_case(PublishFeeSchedule, driven)
    list_fee_schedules = use_case(ListFeeSchedules, driven)
    quote_exam_fee = use_case(QuoteExamFee, driven)
    submit_exam_fee = use_case(SubmitExamFee, driven)
    refuse_exam_fee = use_case(RefuseExamFee, driven)
    show_exam_fee = use_case(ShowExamFee, driven)
    list_exam_fees = use_case(ListExamFees, driven)
    import_students = use_case(ImportStudents, driven)
    find_student = use_case(FindStudent, driven)
    send_notice = use_case(SendNotice, driven)
    dispatch_deliveries = use_case(DispatchDeliveries, driven)
    expire_claims = use_case(ExpireClaims, driven)
    reconcile_deliveries = use_case(ReconcileDeliveries, driven)
    list_deliveries = use_case(ListDeliveries, driven, deliveries=driven.delivery_list)
    settle_delivery = use_case(SettleDelivery, driven)
    record_vendor_report = use_case(RecordVendorReport, driven, reports=driven.twilio_reports)
    create_batch = use_case(CreateBatch, driven)
    change_batch_quantity = use_case(ChangeBatchQuantity, driven)
    change_arrival = use_case(ChangeArrival, driven)
    allocate_lines = use_case(AllocateLines, driven)
    deallocate_line = use_case(DeallocateLine, driven)
    cancel_order = use_case(CancelOrder, driven)
    ship_order = use_case(ShipOrder, driven)
    tend_stores = use_case(TendStores, driven)
    refuse_stock_command = use_case(RefuseStockCommand, driven)
    project_stock = use_case(ProjectStock, driven)
    show_allocations = use_case(ShowAllocations, driven, views=driven.stock_views)
    show_availability = use_case(ShowAvailability, driven, views=driven.stock_views)
    show_batch = use_case(ShowBatch, driven, views=driven.stock_views)
    rebuild_projection = use_case(RebuildProjection, driven)
    purge_expired_records = use_case(PurgeExpiredRecords, driven)
    list_dead_letters = use_case(ListDeadLetters, driven, office=driven.dead_letter_list)
    show_dead_letter = use_case(ShowDeadLetter, driven, office=driven.dead_letter_list)
    preview_dead_letters = use_case(PreviewDeadLetters, driven, office=driven.dead_letter_list)
    settle_dead_letters = use_case(SettleDeadLetters, driven, office=driven.dead_letter_list)
    drop_dead_letter = use_case(DropDeadLetter, driven)
    replay_dead_letter = use_case(ReplayDeadLetter, driven)
    replay_events = use_case(ReplayEvents, driven, log=driven.event_log, consumer=CONSUMER)
    publish_vendor_standings = use_case(PublishVendorStandings, driven, process=driven.holder)
    list_vendor_standings = use_case(ListVendorStandings, driven)
