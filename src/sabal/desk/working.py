"""Run the tasks that the desk asked for, each queue one after the other. The worker calls `work` again and again."""

import logging
from datetime import date, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import close_old_connections
from django.utils import timezone
from django_tasks import DEFAULT_TASK_BACKEND_ALIAS, DEFAULT_TASK_QUEUE_NAME, TaskResultStatus
from django_tasks_db.management.commands.db_worker import Worker as TaskWorker
from django_tasks_db.models import DBTaskResult

from sabal.accounts.models import Invitation
from sabal.database import Database
from sabal.desk import transferring
from sabal.desk.models import Job, Moderation
from sabal.desk.reminding import remind
from sabal.desk.tasks import FAILED
from sabal.elsewhere import invitations

KEPT = timedelta(days=30)

logger = logging.getLogger(__name__)


class Tasks:
    """The tasks of one queue, in one worker process. Of several workers, one at a time runs those of a queue."""

    def __init__(self, name: str, queue: str = DEFAULT_TASK_QUEUE_NAME) -> None:
        self._queue = queue
        self._worker = TaskWorker(
            queue_names=[queue],
            interval=0,
            batch=True,
            backend_name=DEFAULT_TASK_BACKEND_ALIAS,
            startup_delay=False,
            max_tasks=1,
            worker_id=name,
            excluded_queue_names=[],
        )

    def work(self, database: Database) -> bool:
        """Run one task, if one waits. Return whether one did. Asking for tasks alone locks nothing."""
        close_old_connections()
        # What is planned for later does not count: it would have the lock taken every time.
        mine = DBTaskResult.objects.filter(queue_name=self._queue)
        if not mine.running().exists() and not mine.ready().exists():
            return False
        with database.leader("tasks" if self._queue == DEFAULT_TASK_QUEUE_NAME else self._queue) as leads:
            if not leads:
                return False
            self._take_over()
            self._worker.run()
            if self._queue == DEFAULT_TASK_QUEUE_NAME:
                # Only this thread runs jobs, so one that began and has not ended will not end by itself.
                Job.objects.filter(started_at__isnull=False, ended_at=None).update(
                    ended_at=timezone.now(), refusal=FAILED
                )
        return True

    def remind(self, today: date) -> None:
        """Tell the teams which answers were due before today. Of several workers, the first one does it."""
        close_old_connections()
        if late := remind(today):
            logger.info("reminded of answers that were due: %d", late)

    def forget_old(self) -> None:
        """Delete what ended long ago. The audit log keeps what was done."""
        transferring.forget_old()
        before = timezone.now() - KEPT
        DBTaskResult.objects.filter(finished_at__lt=before).delete()
        Job.objects.filter(ended_at__lt=before).delete()
        Moderation.objects.filter(job=None, made_at__lt=before).delete()
        Invitation.objects.filter(expires_at__lt=before).delete()
        invitations.forget_unstarted()
        Session.objects.filter(expire_date__lt=timezone.now()).delete()
        UserSession.objects.filter(created_at__lt=before).exclude(
            session_key__in=Session.objects.values("session_key")
        ).delete()

    def _take_over(self) -> None:
        """Let tasks wait again that a worker began and did not end: it was killed, as it no longer leads."""
        orphans = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING, queue_name=self._queue)
        if again := orphans.update(status=TaskResultStatus.READY):
            logger.warning("%d tasks that a worker had begun are done again", again)
